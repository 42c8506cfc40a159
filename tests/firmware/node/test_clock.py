"""The node's clock: never set, corrected by what it learns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import clock as clock_module
from node.clock import DRIFT_LEAST_S, DRIFT_MOST_PPM, Clock
from node.retained import Retained

START_MS = 1_767_225_600_000


class SlowTime:
    """A clock that counts too slowly by `ppm`; `true_ms` passes as it does everywhere."""

    true_ms = 0
    ppm = 0

    def time_ns(self):
        return (self.true_ms * 1_000_000 * 1_000_000) // (1_000_000 + self.ppm)

    def ticks_ms(self):
        return self.true_ms & 0x3FFFFFFF

    def ticks_diff(self, a, b):
        return (a - b + 0x20000000 & 0x3FFFFFFF) - 0x20000000


@pytest.fixture
def time(monkeypatch):
    time = SlowTime()
    monkeypatch.setattr(clock_module, "time", time)
    monkeypatch.setattr(clock_module, "_EPOCH_S", 0)
    return time


def test_before_utc_is_known_stamps_are_the_clocks_own(time):
    state = Retained()
    state.clock = 7
    time.true_ms = 5_000
    assert Clock(state).stamp() == (5, 7)
    assert Clock(state).age_s() is None


def test_utc_is_what_was_said_plus_half_the_way(time):
    clock = Clock(Retained())
    mark = clock.ticks()
    time.true_ms += 400
    clock.learn(START_MS + 200, clock.elapsed_ms(mark))
    time.true_ms += 10_000
    assert clock.stamp() == ((START_MS + 10_400) // 1000, None)


@given(st.integers(-DRIFT_MOST_PPM // 2, DRIFT_MOST_PPM // 2))
def test_a_constant_drift_is_known_after_two_hours(ppm):
    time = SlowTime()
    time.ppm = ppm
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock_module, "time", time)
        patch.setattr(clock_module, "_EPOCH_S", 0)
        clock = Clock(Retained())
        for hour in range(3):
            time.true_ms = hour * 3_600_000
            clock.learn(START_MS + time.true_ms, 0)
        time.true_ms += 3_600_000
        seconds, _ = clock.stamp()
        assert seconds == pytest.approx((START_MS + time.true_ms) / 1000, abs=2)


def test_a_gateway_whose_clock_was_set_is_followed_but_teaches_no_drift(time):
    state = Retained()
    clock = Clock(state)
    clock.learn(START_MS, 0)
    time.true_ms = (DRIFT_LEAST_S + 10) * 1000
    clock.learn(START_MS + time.true_ms + 3_600_000, 0)  # summer time, by mistake
    assert state.drift_ppm == 0
    assert clock.stamp()[0] == (START_MS + time.true_ms) // 1000 + 3600
    time.true_ms += 60_000
    clock.learn(START_MS + time.true_ms, 0)  # and back a minute later
    assert clock.stamp()[0] == (START_MS + time.true_ms) // 1000


def test_ticks_may_wrap_while_an_answer_is_awaited(time):
    clock = Clock(Retained())
    time.true_ms = (1 << 30) - 100
    mark = clock.ticks()
    time.true_ms += 300
    assert clock.elapsed_ms(mark) == 300


def test_the_drift_is_integers_only_under_micropython(micropython):
    # An ESP32's floats end at 24 bits: 1 767 225 600 123 ms would lose its last two minutes.
    script = """
import node.clock as module
from node.clock import Clock
from node.retained import Retained
state = Retained()
clock = Clock(state)
clock.learn(1767225600123, 0)
state.drift_ppm = 1
state.synced_s -= 7200
print(type(clock.stamp()[0]), abs(clock.stamp()[0] - (1767225600123 + 7) // 1000) <= 1)
"""
    assert micropython(script) == "<class 'int'> True\n"
