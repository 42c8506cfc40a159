"""What the ingest bench trusts: its packets, and that it sees a loss. The flood itself is not run here."""

import time
from pathlib import Path

import pytest

from gateway.ingest import Ingest
from gateway.model import Uplink
from gateway.store import STORE_NAME, Store
from tests.bench.figures import NotMeasured
from tests.bench.ingest import Arm, check_acknowledged, check_stored, figures
from tests.bench.receivers import Received, peak_rss_bytes
from tests.bench.traffic import (
    GATEWAY_ID,
    SCHEMAS,
    SITE,
    Traffic,
    key_of,
    packets_in,
    publications,
    put_publish,
    traffic,
)

NOW_S = int(time.time())


@pytest.fixture(scope="module")
def packets() -> Traffic:
    return traffic(3, 4, NOW_S)


async def take(packets: Traffic, state: Path) -> bytes:
    """Put all of `packets` into a store below `state`; return what the broker would send down."""
    store = Store.open(state / STORE_NAME)
    ingest = Ingest(
        store,
        keys={node: key_of(node) for node in packets.node_ids},
        schemas=SCHEMAS,
        gateway_id=GATEWAY_ID,
    )
    heard = bytearray()
    for stream in (packets.introduction, packets.reports):
        uplinks = [Uplink(frame, NOW_S * 1000, "mqtt") for _, frame in publications(stream)]
        for downlink in await ingest.accept(uplinks):
            put_publish(heard, downlink.node, downlink.frame)
    await store.close()
    return bytes(heard)


def test_packets_come_apart_as_they_were_put_together(packets: Traffic) -> None:
    assert [node for node, _ in publications(packets.introduction)] == [1, 2, 3]
    assert [node for node, _ in publications(packets.reports)] == [1, 2, 3] * 4
    kinds = [kind for kind, _ in packets_in(packets.reports + b"\xd0\x00" + packets.reports[:9])]
    assert kinds == [0x30] * 12 + [0xD0]
    out = bytearray()
    put_publish(out, 7, b"a" * 200)
    assert bytes(out) == b"\x30\xd7\x01\x00\x0dsn/" + SITE.encode() + b"/7/up" + b"a" * 200


async def test_nothing_lost_passes(packets: Traffic, tmp_path: Path) -> None:
    heard = await take(packets, tmp_path)
    check_stored(tmp_path, packets)
    check_acknowledged(tmp_path, packets, heard)


async def test_a_record_that_is_not_stored_is_seen(packets: Traffic, tmp_path: Path) -> None:
    heard = await take(packets, tmp_path)
    more = traffic(3, 5, NOW_S)
    with pytest.raises(NotMeasured, match="15 records were sent, 12 are stored"):
        check_stored(tmp_path, more)
    with pytest.raises(NotMeasured, match="3 of 3 nodes"):
        check_acknowledged(tmp_path, more, heard)


async def test_a_missing_acknowledgement_is_seen(packets: Traffic, tmp_path: Path) -> None:
    heard = await take(packets, tmp_path)
    last = bytearray()
    put_publish(last, *list(publications(heard))[-1])
    with pytest.raises(NotMeasured, match="1 of 3 nodes"):
        check_acknowledged(tmp_path, packets, heard[: -len(last)])


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    received = Received(0.0, 10, 50_000_000)
    rates = [(5, 10), (9, 10), (2, 10), (60, 100), (4, 10)]
    pairs = [(Arm(a, 1000, received), Arm(b, 1000, received)) for a, b in rates]
    found = {figure.name: figure for figure in figures(pairs, 1000)}
    assert found["ratio_to_bare_receive"].value == 0.5
    assert found["ratio_to_bare_receive"].holds
    assert found["records_per_commit"].value == 100
    assert found["rss_mb"].value == 50


def test_memory_is_what_this_process_had() -> None:
    assert 1e7 < peak_rss_bytes() < 1e10
