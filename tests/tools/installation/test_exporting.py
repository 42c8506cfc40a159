"""An export can be read by anything, and holds every record exactly once."""

import csv
import json
from pathlib import Path

import pytest

from gateway.ingest import Ingest
from gateway.store import Store
from tests.gateway.talking_node import NOON_MS, NOON_S, SCHEMAS, TalkingNode, record, uplink
from tests.tools.installation.staged import SITE, SITE_ID, SiteNode
from tools.installation.exporting import export
from tools.installation.places import InstallError
from wire import control

FULL = SCHEMAS[1]


async def filled(data: Path) -> None:
    """A node of the site with three records, and one the site does not know with two of another profile."""
    store = Store.open(data / "store.db")
    site_node, stranger = SiteNode(11), TalkingNode(99)
    schemas = {1: FULL[:5], 77: FULL}
    ingest = Ingest(
        store, keys={11: site_node.key, 99: stranger.key}, schemas=schemas, gateway_id=b"\0\1\2\3",
        now_ms=lambda: NOON_MS,
    )  # fmt: skip
    for frame in (site_node.status(), *(site_node.bring(seq, NOON_S - 60 + seq) for seq in range(3))):
        await ingest.accept([uplink(frame)])
    stranger.hear(await ingest.accept([uplink(stranger.status())]))
    told = stranger.hear(await ingest.accept([uplink(stranger.data(record(0), record(1), schema=77))]))
    assert told[control.ACK][1] == 2
    await store.close()


async def test_everything_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    await filled(tmp_path / "data")
    told = export(tmp_path / "data", SITE, tmp_path / "out")
    assert told["records"] == 5
    with (tmp_path / "out/records/11.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["seq"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["time_utc"] == "2026-11-18T11:05:40Z"
    assert rows[1]["up_loop_ua"] == "12001"
    assert rows[0]["up_loop_ua_quality"] == "0"
    assert rows[0]["up_level_mm"]  # calibrated by the site
    with (tmp_path / "out/records/other.csv").open(newline="") as stream:
        others = list(csv.DictReader(stream))
    assert [(row["node"], row["schema"]) for row in others] == [("99", "77")] * 2
    assert json.loads(others[0]["values"])[:2] == [12_000, 11_000]
    site = json.loads((tmp_path / "out/site/site.json").read_text())
    assert site["site"]["id"] == SITE_ID
    assert (tmp_path / "out/site/nodes.yaml").read_bytes() == (SITE / "nodes.yaml").read_bytes()
    with (tmp_path / "out/tables/store/heard.csv").open(newline="") as stream:
        assert {row["node"] for row in csv.DictReader(stream)} == {"11", "99"}
    with (tmp_path / "out/tables/store/meta.csv").open(newline="") as stream:
        meta = {row["key"]: row["value"] for row in csv.DictReader(stream)}
    assert len(meta["store_id"]) == 16  # hexadecimal
    assert not (tmp_path / "out/tables/store/records.csv").exists()


async def test_nothing_is_overwritten_and_nothing_exported_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    await filled(tmp_path / "data")
    (tmp_path / "out").mkdir()
    with pytest.raises(InstallError, match="is there already"):
        export(tmp_path / "data", SITE, tmp_path / "out")
    with pytest.raises(InstallError, match="there is no store"):
        export(tmp_path / "elsewhere", SITE, tmp_path / "other")
