"""ADS1115: the bus as the datasheet has it, the loop as NE 43 has it, on both runtimes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import ads1115
from wire.quantities import AT_HIGH, AT_LOW, FAULT, OK, SPREAD


class Chip:
    """An ADS1115 on an I2C bus. `nanovolts` of each conversion in turn, the last for ever.

    `after` polls it is ready; `broken` counts bus calls until OSError; `reset` loses the configuration.
    """

    def __init__(self, nanovolts, after=1, broken=-1, reset=False):
        self.nanovolts = list(nanovolts)
        self.after = after
        self.broken = broken
        self.reset = reset
        self.log = []
        self.slept_ms = 0
        self.busy = 0
        self.config = 0x8583
        self.result = 0

    def sleep_ms(self, ms):
        self.slept_ms += ms

    def _call(self):
        if self.broken == 0:
            raise OSError("no acknowledge")
        self.broken -= 1

    def writeto_mem(self, address, register, content):
        self._call()
        self.log.append("%02x:%02x<%02x%02x" % (address, register, content[0], content[1]))
        if register == 1:
            self.config = content[0] << 8 | content[1]
            self.busy = self.after
            nanovolts = self.nanovolts.pop(0) if len(self.nanovolts) > 1 else self.nanovolts[0]
            step = {1: 125000, 2: 62500}[self.config >> 9 & 7]
            self.result = max(-32768, min(32767, (nanovolts + step // 2) // step))
            if self.reset:
                self.config = 0x8583

    def readfrom_mem_into(self, address, register, into):
        self._call()
        value = self.result & 0xFFFF
        if register == 1:
            self.busy -= 1
            value = self.config & 0x7FFF | (0x8000 if self.busy < 0 else 0)
        into[0] = value >> 8
        into[1] = value & 0xFF


def currents(codes):
    from drivers import ads1115

    return [[ads1115.to_uv(code), ads1115.to_loop_ua(code), list(ads1115.judge(ads1115.to_loop_ua(code)))]
            for code in codes]  # fmt: skip


def read(vectors):
    from drivers.ads1115 import ADS1115

    results = []
    for channel, microamperes, chip_options, options in vectors:
        chip = Chip([ua * 100000 for ua in microamperes], **chip_options)
        sensor = ADS1115(chip, chip.sleep_ms, **options)
        results.append([list(sensor.read(channel)), sensor.spread_ua, sensor.fault, chip.slept_ms, chip.log])
    return results


def one(on_both, microamperes, chip_options=None, **options):
    vector = [0, microamperes, chip_options or {}, options]
    value, spread_ua, fault, slept_ms, log = on_both(read, [vector], needs=[Chip])[0]
    return tuple(value), spread_ua, fault, slept_ms, log


def test_codes_to_current_on_both(on_both):
    codes = [0, 1, -1, -32768, 5759, 5760, 6079, 6080, 6399, 6400, 19200, 31999, 32000, 32766, 32767]
    results = on_both(currents, codes)
    assert results[0] == [0, 0, [None, FAULT]]
    assert results[3] == [-2048000, -20480, [None, FAULT]]
    assert results[4] == [359938, 3599, [None, FAULT]]
    assert results[5] == [360000, 3600, [3600, AT_LOW]]
    assert results[6] == [379938, 3799, [3799, AT_LOW]]
    assert results[7] == [380000, 3800, [3800, OK]]
    assert results[9] == [400000, 4000, [4000, OK]]
    assert results[10] == [1200000, 12000, [12000, OK]]
    assert results[11] == [1999938, 19999, [19999, OK]]
    assert results[12] == [2000000, 20000, [20000, AT_HIGH]]


@given(st.integers(-32768, 32767), st.integers(1, 1000), st.sampled_from((2048, 4096)))
def test_current_is_exact_to_half_a_microampere(code, shunt_ohm, range_mv):
    got = ads1115.to_loop_ua(code, shunt_ohm, range_mv)
    assert abs(got * 32768 * shunt_ohm - code * range_mv * 1000) * 2 <= 32768 * shunt_ohm


@pytest.mark.parametrize(
    ("ua", "expected"),
    [
        (0, (None, FAULT)),
        (3500, (None, FAULT)),
        (3700, (3700, AT_LOW)),
        (4000, (4000, OK)),
        (12345, (12345, OK)),
        (20000, (20000, AT_HIGH)),
        (20450, (20450, AT_HIGH)),
        (20500, (20500, AT_HIGH)),  # beyond +-2.048 V across 100 ohm: measured again in the wide range
        (21000, (21000, AT_HIGH)),
        (21010, (None, FAULT)),
        (40000, (None, FAULT)),
    ],
)
def test_saturated_is_not_shorted(on_both, ua, expected):
    value, quality = one(on_both, [ua])[0]
    assert quality == expected[1]
    assert value is None if expected[0] is None else abs(value - expected[0]) <= 1


def test_what_goes_over_the_bus(on_both):
    results = on_both(
        read, [[channel, [12000], {}, {"conversions": 1}] for channel in range(4)], needs=[Chip]
    )
    assert [result[4] for result in results] == [
        ["48:01<c583"],
        ["48:01<d583"],
        ["48:01<e583"],
        ["48:01<f583"],
    ]
    assert one(on_both, [20500], conversions=1)[4] == ["48:01<c583", "48:01<c383"]
    assert one(on_both, [12000], address=0x49, conversions=1)[4] == ["49:01<c583"]


def test_waits_and_gives_up(on_both):
    assert one(on_both, [12000], {"after": 6}, conversions=1)[0] == (12000, OK)
    value, _, fault, slept_ms, _ = one(on_both, [12000], {"after": 99}, conversions=1)
    assert value == (None, FAULT)
    assert "not ready" in fault
    assert slept_ms < 20


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_bus_errors_are_a_fault_not_an_exception(on_both, calls):
    value, _, fault, _, _ = one(on_both, [12000], {"broken": calls})
    assert value == (None, FAULT)
    assert "0x48" in fault


def test_some_failed_conversions_are_passed_over(on_both):
    # The bus breaks after four of seven conversions (four calls each).
    assert one(on_both, [12000], {"broken": 16})[0] == (12000, OK)
    assert one(on_both, [12000], {"broken": 15})[0] == (None, FAULT)


def test_a_reset_chip_is_a_fault(on_both):
    value, _, fault, _, _ = one(on_both, [12000], {"reset": True})
    assert value == (None, FAULT)
    assert "lost its configuration" in fault


def test_median_and_spread(on_both):
    assert one(on_both, [12000, 12003, 20400, 12001, 3000, 12002, 12000])[:2] == ((12001, OK), 3)
    assert one(on_both, [11000, 11500, 12000, 12500, 13000, 13500, 14000])[:2] == ((12500, SPREAD), 2000)
    # At its limit the level is what counts, however it splashes.
    assert one(on_both, [20100, 20400, 20000, 19000, 20300, 18000, 20200])[0] == (20100, AT_HIGH)


def test_faults_are_said_in_words(on_both):
    assert one(on_both, [0])[2] == "loop open"
    assert one(on_both, [25000])[2] == "loop shorted"
    assert one(on_both, [12000])[2] is None
