"""The RTC's clock in deep sleep, whose rate is the one it had when the sleep began."""

import pytest

from hardware.virtual.rtc import Rtc


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s

    def utc_ms(self) -> int:
        return round(self.now_s * 1000)

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize("ppm", [0.0, 8000.0, -50_000.0])
def test_after_a_sleep_the_node_believes_what_it_asked_for(ppm: float) -> None:
    clock, drift = Hands(), [ppm]
    rtc = Rtc(clock, lambda: drift[0])
    real_s = rtc.sleep_s(3600)
    assert real_s == pytest.approx(3600 * (1 + ppm * 1e-6))
    drift[0] = 20_000.0  # it gets colder meanwhile: that is the next sleep's
    clock.now_s += real_s
    rtc.slept(real_s)
    assert rtc.now_us() == pytest.approx(3600e6, abs=1)
    clock.now_s += 10  # awake the crystal keeps the time
    assert rtc.now_us() == pytest.approx(3610e6, abs=1)
    assert rtc.sleep_s(100) == pytest.approx(102)
