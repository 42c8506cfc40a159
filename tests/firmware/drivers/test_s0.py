"""S0 pulses as a register of energy, on both runtimes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.firmware.drivers.test_pulses import Clock, Hardware, Kept, Pin
from wire.quantities import ESTIMATED, FAULT, OK


class Meter(Hardware):
    """Its pulses are clean, 30 ms long."""

    def pulse(self):
        self.closed(self.pin)
        self.clock.now_ms += 62  # 30 ms, and 30 ms between, as fast as it may


def life(vectors):
    """What a node reads through steps: a number of pulses, then "read", "poll", "reset" and so on."""
    from drivers.s0 import attach

    results = []
    for per_kwh, steps in vectors:
        hardware = Meter()
        channel = {"bus": {"pin": 33}, "bounce_ms": 20, "pulses_per_kwh": per_kwh}
        meter = attach(hardware, [channel])
        seen = []
        for step in steps:
            if step == "reset":
                meter = attach(hardware, [channel])
            elif step == "poll":
                meter.poll()
            elif step == "read":
                ((value, quality),) = meter.read()
                seen.append([value, quality, meter.faults()])
            elif step == "close":
                hardware.pin.level = 0
            elif step == "full":
                hardware.store.full = True
            else:
                for _ in range(step):
                    hardware.pulse()
        results.append([seen, hardware.store.total, hardware.names[0]])
    return results


NEEDS = [Clock, Pin, Kept, Hardware, Meter]


def test_golden_lives(on_both):
    shut = ["closed since the last reading: stuck or short circuit"]
    full = ["the total can not be kept: full"]
    cases = [
        (1000, [3, "read", 2, "read"], [[3, ESTIMATED, []], [5, OK, []]], 5),
        (800, [3, "read", 1, "read", 1, "read"], [[3, ESTIMATED, []], [5, OK, []], [6, OK, []]], 5),
        (100, [2, "poll", "read"], [[20, ESTIMATED, []]], 2),
        # What came since the last reading is lost with the supply; what was told is not.
        (1000, [2, "read", 5, "poll", "reset", 1, "read"], [[2, ESTIMATED, []], [3, ESTIMATED, []]], 3),
        (1000, ["read", "close", "read", "read"], [[0, ESTIMATED, []], [0, OK, []], [None, FAULT, shut]], 0),
        (1000, ["read", "full", 2, "read"], [[0, ESTIMATED, []], [None, FAULT, full]], 0),
    ]
    found = on_both(life, [[per_kwh, steps] for per_kwh, steps, _, _ in cases], needs=NEEDS)
    for one, (_, _, seen, kept) in zip(found, cases, strict=True):
        assert one[0] == seen
        assert one[1] or 0 == kept
        assert one[2] == "s0.33"


STEPS = st.lists(st.integers(1, 3) | st.sampled_from(["read", "poll", "reset"]), max_size=40)


@given(st.sampled_from([1, 75, 500, 1000, 10_000]), STEPS)
def test_the_register_never_goes_back_and_is_exact(per_kwh, steps):
    ((seen, kept, _),) = life([[per_kwh, [*steps, "read"]]])
    values = [value for value, _, _ in seen]
    assert values == sorted(values)
    assert values[-1] == (kept or 0) * 1000 // per_kwh
    if "reset" not in steps:
        assert kept in (None, sum(step for step in steps if isinstance(step, int))) or kept == 0


@pytest.mark.parametrize("pulses", [70_000])
def test_a_busy_meter_does_not_outrun_the_counter(pulses):
    steps = []
    for _ in range(pulses // 1000):
        steps += [1000, "poll"]
    ((seen, kept, _),) = life([[1000, [*steps, "read"]]])
    assert (seen[-1][0], kept) == (pulses, pulses)
