"""Each record's time is settled once: as the node says, placed by anchors, or corrected and marked."""

from dataclasses import replace

import pytest

from gateway.clock import UTC_ERROR_MS
from gateway.model import Anchor, Heard, Reception
from gateway.settle import runs_ahead, settle
from tests.gateway.talking_node import NOON_MS, NOON_S, record, uplink
from wire.records import Batch


def batch(*times: int, clock: int | None = None) -> Batch:
    return Batch(1, 0xD4, clock, [record(seq, time) for seq, time in enumerate(times)])


def test_what_the_node_says_counts() -> None:
    records = settle(batch(NOON_S - 600, NOON_S), uplink(b""), 11, 0xA1B2C3D4, (), trusted=True)
    assert records is not None
    assert [(r.measured_at_s, r.time_error_ms, r.moved) for r in records] == [
        (NOON_S - 600, UTC_ERROR_MS, False),
        (NOON_S, UTC_ERROR_MS, False),
    ]
    last = records[-1]
    assert (last.node, last.epoch, last.seq, last.schema_id) == (11, 0xA1B2C3D4, 1, 1)
    assert last.values == (12_001, 11_000, 215, None, 3600, -30)
    assert last.quality == (0, 0, 0, 2, 0, 0)
    assert (last.received_at_ms, last.carrier, last.rssi_dbm, last.snr_db) == (NOON_MS, "mqtt", -71, 9.5)


def test_times_on_the_nodes_own_clock_are_placed() -> None:
    anchors = [Anchor(1_000_000, NOON_MS, 1000)]
    records = settle(batch(400, 1000, clock=3), uplink(b""), 11, 1, anchors, trusted=True)
    assert records is not None
    assert [(r.measured_at_s, r.time_error_ms, r.moved) for r in records] == [
        (NOON_S - 600, 1000 + 6000, False),
        (NOON_S, 1000, False),
    ]


def test_without_an_anchor_they_wait() -> None:
    assert settle(batch(400, clock=3), uplink(b""), 11, 1, (), trusted=True) is None


@pytest.mark.parametrize("ahead_s", [3600, 86_400 * 400])
def test_a_clock_that_runs_ahead_is_corrected_and_marked(ahead_s: int) -> None:
    times = (NOON_S + ahead_s - 600, NOON_S + ahead_s)
    records = settle(batch(*times), uplink(b""), 11, 1, (), trusted=True)
    assert records is not None
    assert [r.measured_at_s for r in records] == [NOON_S - 600, NOON_S]
    assert all(r.moved and r.time_error_ms == UTC_ERROR_MS + ahead_s * 1000 for r in records)


def test_a_gateway_that_does_not_know_the_time_corrects_nobody() -> None:
    records = settle(batch(NOON_S + 3600), uplink(b""), 11, 1, (), trusted=False)
    assert records is not None
    assert [(r.measured_at_s, r.moved) for r in records] == [(NOON_S + 3600, False)]


def test_only_utc_can_run_ahead() -> None:
    assert not runs_ahead(batch(NOON_S - 600, NOON_S + 2), NOON_MS)
    assert runs_ahead(batch(NOON_S - 600, NOON_S + 3), NOON_MS)
    assert not runs_ahead(batch(NOON_S + 3, clock=1), NOON_MS)


def test_all_receivers_of_the_frame_go_with_its_records() -> None:
    best = Reception("c1", -101, 4.25, 77, 868_100, 9, 125)
    heard = replace(uplink(b""), receptions=(best, replace(best, receiver="c2", snr_db=-9.0)))
    records = settle(batch(NOON_S - 600, NOON_S), heard, 11, 1, (), trusted=True)
    assert records is not None
    assert {r.receivers for r in records} == {(Heard("c1", -101, 4.25, 9), Heard("c2", -101, -9.0, 9))}
