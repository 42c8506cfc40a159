"""The HAN port: newest values, and what is wrong with a port that gives nothing, on both runtimes."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.han import ALIVE, CLOSED, HUNG, MISWIRED, STARTING, PortHealth
from hardware.virtual import meters
from wire.quantities import FAULT, MISSING, OK

START = datetime(2025, 1, 31, 22, 0, 0)
HOUR = 3_600_000


class Uart:
    """Bytes (hex) that are waiting; None breaks it."""

    def __init__(self):
        self.waiting = ""

    def any(self):
        if self.waiting is None:
            raise OSError("no UART")
        return len(self.waiting) // 2

    def read(self):
        from binascii import unhexlify

        come = unhexlify(self.waiting)
        self.waiting = ""
        return come or None


class Clock:
    """Ticks as on an ESP32, about to wrap."""

    def __init__(self):
        self.now_ms = 0

    def ticks_ms(self):
        return (2**30 - 1000 + self.now_ms) % 2**30


def ports(vectors):
    """Each vector: options of the port and steps; a step is (at ms, bytes as hex or None, names to read)."""
    from drivers.han import HanPort

    results = []
    for options, steps in vectors:
        clock, uart = Clock(), Uart()
        port = HanPort(uart, clock.ticks_ms, **options)
        readings = []
        for at_ms, text, names in steps:
            while clock.now_ms < at_ms:  # as a node does: it polls all the time
                clock.now_ms = min(at_ms, clock.now_ms + 60000)
                if clock.now_ms < at_ms:
                    port.poll()
            uart.waiting = text
            found = port.poll()
            readings.append([
                len(found), port.health.state(clock.ticks_ms()), [list(port.read(name)) for name in names],
            ])  # fmt: skip
        clock_parts = port.clock and list(port.clock)
        results.append([readings, port.refused, port.make, clock_parts, port.fault])
    return results


def states(vectors):
    """Each vector: options and steps (at ms, bytes, frames); the state after each."""
    from drivers.han import PortHealth

    results = []
    for options, steps in vectors:
        clock = Clock()
        health = PortHealth(clock.ticks_ms(), **options)
        found = []
        for at_ms, size, frames in steps:
            clock.now_ms = at_ms
            if size:
                health.feed(clock.ticks_ms(), size, frames)
            found.append(health.state(clock.ticks_ms()))
        results.append(found)
    return results


def run(on_both, steps, **options):
    return on_both(ports, [[options, steps]], needs=[Uart, Clock], heap="320k")[0]


def pushed(number, values, at_ms=0, make="aidon", meter_id="1"):
    clock = START + timedelta(milliseconds=at_ms)
    return meters.frame(make, number, values, clock, meter_id=meter_id).hex()


@pytest.mark.parametrize(
    ("name", "options", "steps", "expected"),
    [
        ("nothing late yet", {}, [(1000, 0, 0), (34_999, 0, 0)], [STARTING, STARTING]),
        ("never a byte", {}, [(35_000, 0, 0), (10**9, 0, 0)], [CLOSED, CLOSED]),
        ("frames", {}, [(100, 300, 1), (30_000, 0, 0)], [ALIVE, ALIVE]),
        ("bytes without frames", {}, [(i * 10_000, 50, 0) for i in range(5)], [STARTING] * 4 + [MISWIRED]),
        ("a glitch at the start", {}, [(10, 1, 0), (40_000, 0, 0)], [STARTING, CLOSED]),
        ("stopped", {}, [(100, 300, 1), (35_099, 0, 0), (35_100, 0, 0)], [ALIVE, ALIVE, HUNG]),
        ("stopped before the boot", {"alive_before": True}, [(100, 0, 0), (35_000, 0, 0)], [STARTING, HUNG]),
        ("torn", {}, [(100, 300, 1), (30_000, 50, 0), (60_000, 50, 0)], [ALIVE, ALIVE, MISWIRED]),
        ("back again", {}, [(100, 300, 1), (60_000, 0, 0), (61_000, 40, 1)], [ALIVE, HUNG, ALIVE]),
        ("shorter patience", {"silence_ms": 5000}, [(4999, 0, 0), (5000, 0, 0)], [STARTING, CLOSED]),
    ],
)
def test_health(on_both, name, options, steps, expected):
    assert on_both(states, [[options, steps]], needs=[Clock])[0] == expected, name


def test_health_does_not_heal_by_the_wrap_of_the_ticks():
    health = PortHealth(5)
    health.feed(10, 300, 1)
    for day in range(1, 40):
        assert health.state((10 + day * 86_400_000) % 2**30) == HUNG


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 300), st.integers(0, 1)), max_size=20))
def test_health_says_alive_only_after_a_frame(steps):
    health = PortHealth(0)
    now_ms, last_frame_ms = 0, None
    for pause_ms, size, frames in steps:
        now_ms += pause_ms
        frames = min(frames, size)
        health.feed(now_ms, size, frames)
        if frames:
            last_frame_ms = now_ms
        fresh = last_frame_ms is not None and now_ms - last_frame_ms < 35_000
        assert (health.state(now_ms) == ALIVE) == fresh


def test_values_of_each_make(on_both):
    values = meters.Values(
        5120, 0, 130, 17, (9100, 7300, 12600), (2300, 2290, 2310), 123456780, 0, 4560, 7890
    )
    names = [
        "import_power_w",
        "l3_current_ma",
        "l2_phase_dv",
        "import_energy_wh",
        "export_reactive_energy_varh",
    ]
    for make in meters.PERIODS_S:
        steps = [[500, pushed(3, values, make=make), names], [600, "", names]]
        readings, refused, found, clock, fault = run(on_both, steps)
        power, current, voltage = [5120, OK], [12600, OK], [2290, OK]
        assert readings[0] == [1, ALIVE, [power, current, voltage, [123456780, OK], [7890, OK]]]
        # A register is given once, the others as long as they are fresh.
        assert readings[1] == [0, ALIVE, [power, current, voltage, [None, MISSING], [None, MISSING]]]
        assert (refused, found, fault) == (0, make, None)
        assert clock == [2025, 1, 31, 22, 0, 0]


def test_bytes_trickle_in(on_both):
    frame = pushed(1, meters.Values(777))
    steps = [[100 * i, frame[2 * i : 2 * i + 2], ["import_power_w"]] for i in range(len(frame) // 2)]
    readings = run(on_both, steps)[0]
    assert [reading[0] for reading in readings] == [0] * 43 + [1]
    assert readings[-2][2] == [[None, MISSING]]
    assert readings[-1][2] == [[777, OK]]


def test_late_values_are_missing_and_a_dead_port_is_a_fault(on_both):
    values = meters.Values(5120, phase_dv=(2300, 2300, 2300))
    power = ["import_power_w", "l1_phase_dv"]
    steps = [
        [0, pushed(2, values), power],
        [30_000, pushed(1, values), power],
        [40_000, "", power],  # list 2 is late, list 1 is not
        [70_000, "", power],
    ]
    readings, _, _, _, fault = run(on_both, steps)
    assert readings[1][2] == [[5120, OK], [2300, OK]]
    assert readings[2][1:] == [ALIVE, [[5120, OK], [None, MISSING]]]
    assert readings[3][1:] == [HUNG, [[None, FAULT], [None, FAULT]]]
    assert fault == "port hung"


def test_a_closed_and_a_broken_port(on_both):
    assert run(on_both, [[40_000, "", ["import_power_w"]]])[0][0][1:] == [CLOSED, [[None, FAULT]]]
    assert run(on_both, [[40_000, None, ["import_power_w"]]])[0][0][1:] == [CLOSED, [[None, FAULT]]]
    garbage = [[5000 * i, "00ff7e55" * 20, ["import_power_w"]] for i in range(10)]
    assert run(on_both, garbage)[0][-1][1:] == [MISWIRED, [[None, FAULT]]]


def test_frames_without_a_list_are_counted(on_both):
    frame = meters.hdlc(meters.LLC + b"\x0f\x00", meters.ADDRESSES["aidon"]).hex()
    readings, refused, *_ = run(on_both, [[0, frame, ["import_power_w"]]])
    assert readings == [[0, ALIVE, [[None, MISSING]]]]
    assert refused == 1


def test_a_list_heard_late_in_the_hour_gives_no_old_register(on_both):
    steps = [[0, pushed(3, meters.Values(import_energy_wh=1000)), []]]
    steps += [[10_000 * i, pushed(1, meters.Values(1)), []] for i in range(1, 360)]
    steps += [[HOUR, pushed(1, meters.Values(1)), ["import_energy_wh"]]]
    assert run(on_both, steps)[0][-1][2] == [[None, MISSING]]


def test_who_the_meter_is_is_known_from_its_second_list_on(micropython):
    lists = [pushed(1, meters.Values(1), meter_id="A1"), pushed(2, meters.Values(1), meter_id="A1")]
    out = micropython(
        f"""
from binascii import unhexlify
from drivers.han import HanPort, Meter
port = HanPort(None, lambda: 0)
for text in {lists}:
    port.feed(10, unhexlify(text))
    print(Meter(port, [], None).meter_id())
"""
    )
    assert out.split() == ["None", "A1"]


def test_the_meter_is_named_nowhere(micropython):
    frame = pushed(3, meters.Values(5), make="kamstrup", meter_id="5706567000000042")
    out = micropython(
        f"""
from binascii import unhexlify
from drivers.han import HanPort
port = HanPort(None, lambda: 0)
print(port.feed(10, unhexlify("{frame}")), port.__dict__)
"""
    )
    assert "MeterList(make='kamstrup'" in out
    assert "Identity(kept back)" in out
    assert "5706567000000042" not in out
