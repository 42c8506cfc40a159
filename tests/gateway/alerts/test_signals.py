import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.alerts.measured import Measured
from gateway.alerts.signals import (
    Callout,
    Difference,
    Increase,
    Percent,
    Plain,
    RateOfRise,
    RoofLoad,
    Signal,
    SignatureOf,
    Silence,
)
from gateway.alerts.state import Trust

BAD = Measured(None, Trust.BAD)


def good(**values: int) -> dict[str, Measured]:
    return {key: Measured(value, Trust.GOOD) for key, value in values.items()}


def test_a_record_older_than_one_evaluated_is_history_but_a_fault_evaluates_nothing() -> None:
    plain = Plain("x")
    assert plain.feed(10, {"x": BAD}) is not None
    late = plain.feed(5, good(x=7))
    assert late is not None
    assert late.value == 7
    assert plain.feed(5, good(x=8)) is None
    assert plain.feed(6, good(y=8)) is None


def test_a_difference_needs_both() -> None:
    difference = Difference("up", "down")
    seen = [difference.feed(i, v) for i, v in enumerate((good(up=30, down=10), good(up=30), good(down=1)))]
    assert [s and (s.value, s.trust) for s in seen] == [(20, Trust.GOOD), (None, Trust.BAD), None]


def test_a_level_in_percent_of_the_culvert() -> None:
    percent = Percent("up", -50, 1150)
    seen = percent.feed(1, {"up": Measured(910, Trust.BEYOND_HIGH)})
    assert seen is not None
    assert (seen.value, seen.trust) == (80, Trust.BEYOND_HIGH)


def test_a_rate_is_unknown_at_the_sensors_limit() -> None:
    rise = RateOfRise("up")
    seen = [rise.feed(i * 600, good(up=100 + 30 * i)) for i in range(10)]
    assert seen[0] is None
    assert seen[9] is not None
    assert seen[9].value == 180
    assert rise.feed(6000, {"up": Measured(400, Trust.BEYOND_HIGH)}) is None


def test_wet_snow_calls_at_half_of_dry_snow() -> None:
    for air_cc, share in ((-600, 60), (0, 120)):
        callout = Callout("depth", 24)
        depths = [500] * 16 + [560] * 24
        seen = [callout.feed(i * 600, good(depth=d, air_temp_cc=air_cc)) for i, d in enumerate(depths)][-1]
        assert seen is not None
        assert seen.value == share
        assert "+6 cm" in seen.evidence
    assert Increase("depth", 3).feed(0, good(depth=5)) is not None


def test_a_roof_is_measured_by_the_upper_end_of_the_band() -> None:
    seen = RoofLoad("depth", 420).feed(0, good(depth=600))
    assert seen is not None
    assert (seen.value, seen.evidence) == (60, "41-60 %, 60 cm")


def test_a_signature_is_shown_or_not_and_needs_the_level_below() -> None:
    clogging = SignatureOf(("clogging",))
    values = [good(up_level_mm=200 + 100 * i, down_level_mm=190) for i in range(5)]
    seen = [clogging.feed(600 * i, v) for i, v in enumerate(values)]
    assert [s and s.value for s in seen] == [0, 0, 1, 1, 1]
    without = clogging.feed(9000, {**good(up_level_mm=900), "down_level_mm": BAD})
    assert without is not None
    assert without.trust is Trust.BAD
    assert Silence("x").feed(1, good(x=1)) is not None


MADE: dict[str, Callable[[], Signal]] = {
    "rise": lambda: RateOfRise("up_level_mm"),
    "callout": lambda: Callout("up_level_mm", 3),
    "signature": lambda: SignatureOf(("clogging", "flood")),
}


@pytest.mark.parametrize("name", MADE)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 149))
@settings(max_examples=25, deadline=None)
def test_fed_again_what_it_has_to_remember_it_goes_on_as_before(name: str, seed: int, cut: int) -> None:
    noise = random.Random(seed)
    at_s, records = 0, []
    for _ in range(150):
        at_s += noise.choice([60, 600, 600, 600, 4000])
        level = 300 + noise.randrange(-200, 200)
        # Some come late, some not at all.
        records.append((at_s - noise.choice([0, 0, 0, 700]), good(up_level_mm=level, down_level_mm=180)))
    whole: Signal = MADE[name]()
    before = [whole.feed(*record) for record in records]
    again: Signal = MADE[name]()
    newest = max(at for at, _ in records[:cut])
    for record in records[:cut]:
        if record[0] >= newest - again.span_s:
            again.feed(*record)
    assert [again.feed(*record) for record in records[cut:]] == before[cut:]
