import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.snow.increase import DepthIncrease


def test_an_increase_is_what_came_on_top_of_the_lowest() -> None:
    three = DepthIncrease(3, median_s=1800)
    depths = [500, 480, 500, 540, 580, 580, 580, 580, 580]
    found = [three.add(i * 600, depths[i // 6]) for i in range(6 * len(depths))]
    assert found[5::6] == [0, 0, 20, 60, 100, 80, 40, 0, 0]


def test_a_lone_spike_is_no_snow() -> None:
    increase = DepthIncrease(24)
    found = [increase.add(i * 600, 500 + (900 if i == 30 else 0)) for i in range(60)]
    assert max(found) == 0


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_noise_of_a_ranger_in_drifting_snow_stays_under_a_callout(seed: int) -> None:
    noise = random.Random(seed)
    increase = DepthIncrease(24)
    # Readings every 10 min with a standard deviation of 2 cm: 99 % within 5 cm.
    assert max(increase.add(i * 600, 800 + noise.gauss(0, 20)) for i in range(300)) < 50


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=60), st.sampled_from([1.0, 3.0, 24.0]))
def test_it_is_never_negative_and_grows_with_the_window(depths: list[int], hours: float) -> None:
    short, long = DepthIncrease(hours), DepthIncrease(hours * 2)
    for i, depth in enumerate(depths):
        assert 0 <= short.add(i * 600, depth) <= long.add(i * 600, depth)
