"""Which starts do all their work."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node import guard


def test_three_failures_are_forgiven_and_every_eighth_start_tries_again():
    assert [starts for starts in range(30) if not guard.safe(starts)] == [0, 1, 2, 3, 8, 16, 24]


def test_a_cold_boot_rests_longer_each_time_up_to_six_hours():
    assert [guard.rest_s(n) for n in range(11)] == [
        0, 0, 0, 0, 600, 1200, 2400, 4800, 9600, 19200, 21600,
    ]  # fmt: skip


def test_a_node_that_fails_for_weeks_goes_on_trying_everything_now_and_then():
    starts, tried = 0, []
    for n in range(1, 2000):
        starts = guard.counted(starts)
        assert starts <= 0xFF
        if not guard.safe(starts):
            tried.append(n)
    assert tried[:3] == [1, 2, 3]
    assert {b - a for a, b in pairwise(tried[3:])} == {guard.FULL_EVERY}


@given(st.integers(0, 0xFFFF))
def test_a_rest_has_an_end(unfinished):
    assert 0 <= guard.rest_s(unfinished) <= guard.REST_MAX_S
