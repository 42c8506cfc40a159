"""One sampling: every channel of the profile read once, each with its quality.

A driver module has `attach(hardware, channels)`: it gets those channels of its own that share a bus and
returns an object whose `read()` gives a (value, quality) for each. Where it also has `poll()`, a node
that stays awake calls that often. A driver answers for whatever its chip does; what escapes it all the
same becomes FAULT here, so that one sensor never silences the others.
"""

from wire.quantities import FAULT, OK, QUANTITIES

_ESCAPED = (OSError, ValueError, ImportError, AttributeError, TypeError, KeyError, IndexError)


def _groups(channels):
    """Return (driver name, [position, ...]) for channels that share driver and bus."""
    groups: "list" = []
    for i, channel in enumerate(channels):
        for driver, bus, positions in groups:
            if driver == channel["driver"] and bus == channel["bus"]:
                positions.append(i)
                break
        else:
            groups.append((channel["driver"], channel["bus"], [i]))
    return [(driver, positions) for driver, _, positions in groups]


def _fit(channel, value, quality):
    """Cut a value to what the wire carries; the limit that is known first is the quality that counts."""
    if value is None:
        return None, quality
    value, cut = QUANTITIES[channel["quantity"]].fit(value)
    return value, quality if quality != OK else cut


class Sampler:
    """The sensors of one node. `report(driver, error)` hears of what escaped a driver.

    `power` is the output that feeds them, None where they always have supply; `warmup_ms` passes between
    switching it on and the first reading.
    """

    def __init__(self, hardware, channels, power, warmup_ms, report):
        self._hardware = hardware
        self._channels = channels
        self._power = power
        self._warmup_ms = warmup_ms
        self._report = report
        self._groups = _groups(channels)
        self._sensors = {}  # group number -> what its driver attached

    def _sensor(self, n):
        if n not in self._sensors:
            driver, positions = self._groups[n]
            module = getattr(__import__("drivers." + driver), driver)
            self._sensors[n] = module.attach(self._hardware, [self._channels[i] for i in positions])
        return self._sensors[n]

    def sample(self, stamp):
        """Return (what `stamp()` said when the reading began, values, quality), one of each a channel."""
        if self._power is None:
            return (stamp(),) + self._read()
        self._hardware.output(self._power, True)
        try:
            self._hardware.sleep_ms(self._warmup_ms)
            return (stamp(),) + self._read()
        finally:
            self._hardware.output(self._power, False)

    def _read(self):
        values = [None] * len(self._channels)
        quality = [FAULT] * len(self._channels)
        for n, (driver, positions) in enumerate(self._groups):
            try:
                found = self._sensor(n).read()
                for i, (value, code) in zip(positions, found):
                    values[i], quality[i] = _fit(self._channels[i], value, code)
            except _ESCAPED as error:
                self._sensors.pop(n, None)  # attached anew next time
                self._report(driver, error)
        return tuple(values), tuple(quality)

    def faults(self):
        """Return ["driver: what is wrong", ...] of the last reading."""
        found = []
        for n, sensor in sorted(self._sensors.items()):
            if hasattr(sensor, "faults"):
                found += ["%s: %s" % (self._groups[n][0], fault) for fault in sensor.faults()]
        return found

    def meter_id(self):
        """Return who the meter is that a driver reads, None where none says so; never to be published."""
        for sensor in self._sensors.values():
            if hasattr(sensor, "meter_id"):
                return sensor.meter_id()

    def poll(self):
        """Let the drivers that want it look at their bus."""
        for n, (driver, _) in enumerate(self._groups):
            try:
                sensor = self._sensor(n)
                if hasattr(sensor, "poll"):
                    sensor.poll()
            except _ESCAPED as error:
                self._sensors.pop(n, None)
                self._report(driver, error)
