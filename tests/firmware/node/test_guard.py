"""Which starts do all their work."""

from hypothesis import given
from hypothesis import strategies as st

from node import guard


def test_three_failures_are_forgiven_and_every_eighth_start_tries_again():
    assert [starts for starts in range(30) if not guard.safe(starts)] == [0, 1, 2, 3, 8, 16, 24]


def test_a_cold_boot_rests_longer_each_time_up_to_six_hours():
    assert [guard.rest_s(n) for n in range(11)] == [
        0, 0, 0, 0, 600, 1200, 2400, 4800, 9600, 19200, 21600,
    ]  # fmt: skip


@given(st.integers(0, 0xFFFF))
def test_a_rest_has_an_end(unfinished):
    assert 0 <= guard.rest_s(unfinished) <= guard.REST_MAX_S
