"""One sampling: grouping, order, quality, and a driver that goes wrong."""

import sys
import types

import pytest

from node.sampling import Sampler
from wire.quantities import AT_HIGH, CLAMPED, FAULT, OK


class Hardware:
    def __init__(self):
        self.done = []

    def output(self, wired, on):
        self.done.append(("output", wired["pin"], on))

    def sleep_ms(self, ms):
        self.done.append(("sleep", ms))


@pytest.fixture
def driver(monkeypatch):
    """A driver module `drivers.probe` whose answers the test sets; it counts how often it is attached."""
    module = types.ModuleType("drivers.probe")
    module.attached = []
    module.answers = {}

    class Sensor:
        def __init__(self, names):
            self.names = names

        def read(self):
            found = [module.answers[name] for name in self.names]
            for answer in found:
                if isinstance(answer, Exception):
                    raise answer
            return found

        def poll(self):
            module.attached.append("poll")

    def attach(hardware, channels):
        module.attached.append([c["name"] for c in channels])
        return Sensor([c["name"] for c in channels])

    module.attach = attach
    monkeypatch.setitem(sys.modules, "drivers.probe", module)
    import drivers

    monkeypatch.setattr(drivers, "probe", module, raising=False)
    return module


def channel(name, bus=0, quantity=3, driver="probe"):
    return {"name": name, "bus": {"pin": bus}, "quantity": quantity, "driver": driver}


def sampler(channels, hardware=None, power=None):
    said = []

    def report(name, error):
        said.append((name, error))

    made = Sampler(hardware or Hardware(), channels, power, 250, report)
    return made, said


def test_channels_that_share_driver_and_bus_share_a_sensor_and_keep_their_order(driver):
    driver.answers = {"a": (1, OK), "b": (2, AT_HIGH), "c": (3, OK)}
    made, _ = sampler([channel("a"), channel("b", bus=1), channel("c")])
    assert made.sample(tuple)[1:] == ((1, 2, 3), (OK, AT_HIGH, OK))
    assert made.sample(tuple)[1:] == ((1, 2, 3), (OK, AT_HIGH, OK))
    assert driver.attached == [["a", "c"], ["b"]]


def test_what_escapes_a_driver_is_a_fault_of_its_channels_alone_and_it_is_attached_anew(driver):
    driver.answers = {"a": OSError(5), "b": (2, OK)}
    made, said = sampler([channel("a"), channel("b", bus=1)])
    assert made.sample(tuple)[1:] == ((None, 2), (FAULT, OK))
    assert [name for name, _ in said] == ["probe"]
    driver.answers["a"] = (7, OK)
    assert made.sample(tuple)[1:] == ((7, 2), (OK, OK))
    assert driver.attached == [["a"], ["b"], ["a"]]


def test_a_driver_that_does_not_exist_silences_nobody_else(driver):
    driver.answers = {"a": (1, OK)}
    made, said = sampler([channel("x", driver="no_such_driver"), channel("a")])
    assert made.sample(tuple)[1:] == ((None, 1), (FAULT, OK))
    assert said


def test_a_value_the_wire_can_not_carry_is_cut_and_marked(driver):
    driver.answers = {"a": (99999, OK), "b": (-99999, AT_HIGH)}
    made, _ = sampler([channel("a"), channel("b")])
    assert made.sample(tuple)[1:] == ((15000, -10000), (CLAMPED, AT_HIGH))


def test_the_sensors_supply_is_on_only_while_they_are_read(driver):
    driver.answers = {"a": KeyError("x")}
    hardware = Hardware()
    made, _ = sampler([channel("a")], hardware, {"pin": 25, "on_level": 1})
    made.sample(tuple)
    assert hardware.done == [("output", 25, True), ("sleep", 250), ("output", 25, False)]


def test_poll_reaches_the_drivers_that_want_it(driver):
    made, _ = sampler([channel("a")])
    made.poll()
    assert driver.attached == [["a"], "poll"]


def test_drivers_tell_what_is_wrong_and_which_meter_it_is(driver):
    driver.answers = {"a": (None, FAULT)}
    made, _ = sampler([channel("a")])
    made.sample(lambda: 0)
    assert made.faults() == []  # a driver may have nothing to say
    (sensor,) = made._sensors.values()
    sensor.faults = lambda: ["no answer"]
    assert made.faults() == ["probe: no answer"]
    assert made.meter_id() is None
    sensor.meter_id = lambda: b"7"
    assert made.meter_id() == b"7"
