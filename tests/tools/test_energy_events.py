"""What happened to meters, as a table."""

import asyncio
import json
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from gateway.model import RegisterEvent
from gateway.store import STORE_NAME, Change, Store
from tools import cli
from tools.energy_events import rows_of

SITE = SITES / "narvik-demo"
AT_S = 1_767_225_600
EVENT = RegisterEvent(31, 0, AT_S, AT_S, "swap", None, b"mark", ((2, 5_000_000, 12), (3, 7, 0)), 5)


async def fill(path: Path) -> None:
    store = Store.open(path)
    await store.append(Change(registers=[EVENT]))
    await store.close()


def test_each_register_of_an_event_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["energy", "events", "--site", str(SITE), "--state", str(tmp_path), "--json"]
    assert cli.main(command) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == []
    asyncio.run(fill(tmp_path / STORE_NAME))
    assert cli.main(command) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[0] == {
        "at": "2026-01-01T01:00:00+01:00", "building": "Rådhuset (demo)", "node": 31, "event": "swap",
        "register": "import_energy_wh", "before": 5_000_000, "after": 12, "meter_before": None,
        "meter_after": "6d61726b",
    }  # fmt: skip
    assert [row["register"] for row in rows] == ["import_energy_wh", "export_energy_wh"]


def test_a_node_that_is_gone_leaves_the_number_of_the_channel() -> None:
    event = RegisterEvent(99, 0, AT_S, AT_S, "reset", None, None, ((2, 5, 0),), 5)
    (row,) = rows_of(load_site(SITE), [event])
    assert (row["building"], row["register"]) == (None, "2")


def test_a_store_that_can_not_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / STORE_NAME).write_bytes(b"no database" * 999)
    assert cli.main(["energy", "events", "--site", str(SITE), "--state", str(tmp_path)]) == 1
    assert STORE_NAME in capsys.readouterr().err
