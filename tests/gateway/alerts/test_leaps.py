from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.leaps import STEP_S, Leap, Pace, begin, follow
from tests.gateway.alerts.made import T0

PACE = Pace("one", float(T0), 5.0)


def test_it_is_kept_as_text() -> None:
    assert Pace.from_json(PACE.to_json()) == PACE


def test_a_leap_has_the_span_in_which_all_times_agree() -> None:
    pace, leap = follow(PACE, T0 + 105 + 3600, 105.0)
    assert leap == Leap(3600, T0 + 4, T0 + 106)
    assert pace == Pace("one", T0 + 3600.0, 5.0)
    assert follow(pace, T0 + 106 + 3600, 106.0) == (pace, None)


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(-(STEP_S - 1), STEP_S - 1)), max_size=20))
def test_what_goes_right_little_by_little_is_no_leap(looks: list[tuple[int, int]]) -> None:
    pace, monotonic_s, ahead_s = PACE, 5, T0
    for passed_s, moved_s in looks:
        monotonic_s += passed_s
        ahead_s += moved_s
        pace, leap = follow(pace, monotonic_s + ahead_s, float(monotonic_s))
        assert leap is None
    assert pace == replace(PACE, ahead_s=float(ahead_s))


def test_after_a_start_in_the_same_boot_nothing_is_guessed() -> None:
    assert begin(PACE, "one", T0 + 100, 100.0, T0 + 9999) == (PACE, None)
    assert begin(PACE, "one", T0 + 3700, 100.0, None) == follow(PACE, T0 + 3700, 100.0)


def test_after_a_boot_only_what_can_not_be_is_a_leap() -> None:
    early = Pace("one", 0.0, 5.0)  # in 1970
    started = Pace("two", T0 - 7.0, 7.0)
    assert begin(early, "two", T0, 7.0, None) == (started, None)
    assert begin(early, "two", T0, 7.0, T0 - 86_400) == (started, None), "it was off for a day"
    assert begin(early, "two", T0, 7.0, 900) == (started, Leap(T0 - 900, 4, 900))
    assert begin(None, "two", T0, 7.0, 900) == (started, Leap(T0 - 900, 900, 900))
    back = begin(PACE, "two", T0 - 86_400, 7.0, T0 + 900)[1]
    assert back == Leap(-87_300, T0 + 4, T0 + 900)
