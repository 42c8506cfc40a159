"""Battery voltage from the pin's, on both runtimes."""

from hypothesis import given
from hypothesis import strategies as st

from drivers import battery
from wire.quantities import AT_HIGH, FAULT, OK


class Adc:
    """machine.ADC with these readings in turn; None is an error of the converter."""

    def __init__(self, readings):
        self.readings = list(readings)

    def read_uv(self):
        uv = self.readings.pop(0)
        if uv is None:
            raise OSError("timed out")
        return uv


def read(vectors):
    from drivers.battery import Battery

    results = []
    for readings, ratio in vectors:
        sensor = Battery(Adc(readings), ratio)
        results.append(list(sensor.read()) + [sensor.fault is None])
    return results


def test_golden(on_both):
    vectors = [
        [[1800000] * 7, 2000],
        [[1799000, 1801000, 0, 3300000, 1800000, 1800500, 1799500], 2000],
        [[1234567] * 7, 2941],
        [[99999] * 7, 2000],
        [[0] * 7, 2000],
        [[3100000] * 7, 2000],
        [[1800000] * 3 + [None] * 4, 2000],
    ]
    assert on_both(read, vectors, needs=[Adc]) == [
        [3600, OK, True],
        [3600, OK, True],
        [3631, OK, True],
        [None, FAULT, False],
        [None, FAULT, False],
        [6200, AT_HIGH, True],
        [None, FAULT, False],
    ]


@given(st.integers(0, 3_300_000), st.integers(1000, 20_000))
def test_rounding(uv, ratio):
    assert abs(battery.to_mv(uv, ratio) * 1_000_000 - uv * ratio) * 2 <= 1_000_000
