"""Placing times by figures worked out by hand: a drift of 1 % is 36 s an hour."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import (
    ANCHORS_MAX,
    DRIFT_PPM,
    EARLIEST_S,
    Placed,
    between,
    boot,
    correction_s,
    place,
    plausible,
    synchronised,
    with_anchor,
)
from gateway.model import Anchor

HOUR = 3_600_000
UTC = 1_795_000_000_000


def test_one_anchor_is_an_offset_with_the_drift_since() -> None:
    anchor = Anchor(10 * HOUR, UTC, 1000)
    assert place(10 * HOUR, [anchor]) == Placed(UTC, 1000)
    assert place(11 * HOUR, [anchor]) == Placed(UTC + HOUR, 1000 + 36_000)
    assert place(8 * HOUR, [anchor]) == Placed(UTC - 2 * HOUR, 1000 + 72_000)


def test_between_two_anchors_it_interpolates() -> None:
    # The node's clock lost 20 s in two hours: in the middle it had lost 10.
    anchors = [Anchor(0, UTC, 1000), Anchor(2 * HOUR, UTC + 2 * HOUR + 20_000, 1000)]
    middle = place(HOUR, anchors)
    assert middle.utc_ms == UTC + HOUR + 10_000
    # From the first it may be 37 s late at most, from the second 37 s early at most, seen from its 20 s.
    assert middle.error_ms == max(10_000 - (20_000 - 37_000), 37_000 - 10_000) == 27_000
    # Near an anchor the other one hardly matters.
    assert place(HOUR // 60, anchors) == Placed(UTC + 60_000 + 167, 1767)


def test_beyond_the_anchors_the_nearest_leads() -> None:
    anchors = [Anchor(0, UTC, 1000), Anchor(2 * HOUR, UTC + 2 * HOUR + 20_000, 1000)]
    assert place(3 * HOUR, anchors) == Placed(UTC + 3 * HOUR + 20_000, 37_000)


def test_anchors_that_contradict_each_other_widen_the_error() -> None:
    anchors = [Anchor(0, UTC, 0), Anchor(HOUR, UTC + HOUR + 100_000, 0)]
    placed = place(HOUR // 2, anchors)
    assert placed.utc_ms == UTC + HOUR // 2 + 50_000
    assert placed.error_ms == 50_000 + 18_000


def test_without_an_anchor_nothing_can_be_said() -> None:
    with pytest.raises(ValueError, match="no anchor"):
        place(0, [])


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(-1000, 1000)), min_size=1, max_size=6),
    st.integers(0, 1000),
    st.integers(-DRIFT_PPM, DRIFT_PPM),
)
def test_the_truth_is_within_the_error(known: list[tuple[int, int]], minute: int, rate_ppm: int) -> None:
    """For any clock whose rate is off by no more than stated, and anchors no worse than they say."""

    def true_utc(clock_ms: int) -> int:
        return UTC + clock_ms + clock_ms * rate_ppm // 1_000_000

    anchors = sorted(
        {m: Anchor(m * 60_000, true_utc(m * 60_000) + late, 1000) for m, late in known}.values(),
        key=lambda a: a.clock_ms,
    )
    placed = place(minute * 60_000, anchors)
    assert abs(placed.utc_ms - true_utc(minute * 60_000)) <= placed.error_ms + 2  # rounding


def test_a_clock_that_met_nobody_lies_between_its_neighbours() -> None:
    # It ran an hour, somewhere in the three after the record before it: 36 s of drift are possible.
    assert between(HOUR, UTC, UTC + 3 * HOUR) == Anchor(HOUR, UTC + 2 * HOUR - 18_000, HOUR + 18_000)
    assert between(HOUR, UTC, UTC + HOUR // 2) == Anchor(
        HOUR, UTC + 3 * HOUR // 4 - 18_000, HOUR // 4 - 18_000
    )
    assert between(HOUR, None, UTC) == Anchor(HOUR, UTC, UTC - EARLIEST_S * 1000)


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(-DRIFT_PPM, DRIFT_PPM)
)
def test_the_truth_is_between_neighbours(off_before: int, ran: int, off_after: int, rate_ppm: int) -> None:
    truth = UTC + off_before + ran + abs(ran) * rate_ppm // 1_000_000
    found = between(ran, UTC, truth + off_after)
    assert abs(found.utc_ms - truth) <= found.error_ms + 2


def test_anchors_are_kept_in_order_and_few() -> None:
    anchors: tuple[Anchor, ...] = ()
    for n in range(100):
        anchors = with_anchor(anchors, Anchor(n * HOUR, UTC + n * HOUR, 1000))
    assert len(anchors) == ANCHORS_MAX
    assert anchors[0].clock_ms == 0
    assert [a.clock_ms // HOUR for a in anchors[1:]] == list(range(100 - ANCHORS_MAX + 1, 100))


def test_a_clock_id_that_came_round_starts_afresh() -> None:
    first = with_anchor((), Anchor(500 * HOUR, UTC, 1000))
    new = Anchor(HOUR, UTC + 24 * HOUR, 1000)
    assert with_anchor(first, new) == (new,)


def test_the_same_moment_told_twice_is_one_anchor() -> None:
    anchors = with_anchor((), Anchor(HOUR, UTC, 1000))
    assert with_anchor(anchors, Anchor(HOUR, UTC + 200, 1000)) == (Anchor(HOUR, UTC + 200, 1000),)


def test_times_to_come_are_the_nodes_error() -> None:
    now = UTC // 1000
    assert correction_s([now - 600, now], UTC) == 0
    assert correction_s([now, now + 120], UTC) == 0  # a clock may drift that much
    assert correction_s([now - 600, now + 121], UTC) == -121
    assert correction_s([now + 86_400, now + 87_000], UTC) == -87_000


def test_times_before_there_were_nodes_are_an_error_too() -> None:
    now = UTC // 1000
    assert correction_s([0, 600], UTC) == now - 600  # 1970: a clock that was never set
    assert correction_s([946_684_800], UTC) == now - 946_684_800  # 2000: an ESP32's


def test_a_gateway_without_a_battery_may_wake_in_1970() -> None:
    assert not plausible(0)
    assert plausible(UTC)


def test_the_clock_is_trusted_unless_timesyncd_is_still_looking(tmp_path: Path) -> None:
    runtime = tmp_path / "timesync"
    assert synchronised(runtime)
    runtime.mkdir()
    assert not synchronised(runtime)
    (runtime / "synchronized").touch()
    assert synchronised(runtime)


def test_a_boot_has_a_name_that_stays() -> None:
    assert boot() == boot() != ""
