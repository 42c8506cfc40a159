import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hydrology.rise import Rise


def rates(levels: list[float], step_s: float = 300) -> list[float | None]:
    rise = Rise()
    return [rise.add(i * step_s, level) for i, level in enumerate(levels)]


def test_a_steady_rise_is_found_in_units_per_hour() -> None:
    found = rates([i * 25.0 for i in range(40)])  # 25 mm in 5 min
    assert found[-1] == pytest.approx(300)
    assert found[0] is None
    known = next(i for i, rate in enumerate(found) if rate is not None)
    assert known * 300 == 2700


def test_a_lone_spike_is_no_rise() -> None:
    levels = [100.0] * 60
    levels[30] = 600
    assert all(rate in (None, 0) for rate in rates(levels))


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_noise_of_ten_centimetres_stays_below_a_warning(seed: int) -> None:
    noise = random.Random(seed)
    found = rates([300 + noise.gauss(0, 38) for _ in range(400)])
    # 99 % of such readings lie within 10 cm; in the first hour the medians are of fewer of them.
    assert max(rate or 0 for rate in found[18:]) < 200


def test_a_gap_forgets_what_was_before() -> None:
    rise = Rise()
    for i in range(30):
        rise.add(i * 300, 100)
    assert rise.add(30 * 300 + 86_400, 900) is None
