"""HAN port of a Norwegian electricity meter (AMS): Aidon, Kaifa and Kamstrup.

NEK HAN (RJ45, M-Bus levels), 2400 baud: 8E1 for Aidon and Kaifa, 8N1 for Kamstrup. The meter pushes its
lists by itself: power every 2 to 10 s, phases every 10 s, registers every hour. Framing is in han_hdlc, the
lists in han_lists.

A port stays closed until the meter's registered customer has it opened. Closed, miswired and hung look the
same in a record (no value) and want three different people, so PortHealth tells them apart.
"""

from drivers.han_hdlc import FrameReader
from drivers.han_lists import ListError, decode
from wire.quantities import FAULT, MISSING

STARTING = "starting"  # nothing is late yet
ALIVE = "alive"
CLOSED = "closed"  # never a byte: have the customer order the port opened, or the cable is not plugged in
MISWIRED = "miswired"  # bytes but no frame: wires, speed or parity
HUNG = "hung"  # frames came and stopped: power the interface off and on, else the meter

SILENCE_MS = 35000  # three of the slowest meter's periods, and a bit
HOUR_MS = 3600000
_TICKS = 0x3FFFFFFF  # ticks_ms counts up to here on an ESP32 and starts again
_LONG = 0x20000000  # ages stop counting here, so that a wrap of the ticks makes nothing young again


class PortHealth:
    """State of the port from what comes out of it. `alive_before`: it is known to have given frames once,
    before this boot. Ask or feed it at least every few days: ticks wrap after twelve."""

    def __init__(self, now_ms, alive_before=False, silence_ms=SILENCE_MS):
        self._silence_ms = silence_ms
        self._now_ms = now_ms
        self._bytes_age_ms = 0
        self._frame_age_ms = 0
        self._any_bytes = False
        self._any_frames = False
        self.alive_before = alive_before

    def feed(self, now_ms: int, size: int, frames: int) -> None:
        """`size` bytes came, and `frames` good frames ended in them."""
        self._pass_time(now_ms)
        if size:
            self._any_bytes = True
            self._bytes_age_ms = 0
        if frames:
            self._any_frames = self.alive_before = True
            self._frame_age_ms = 0

    def state(self, now_ms: int) -> str:
        """STARTING, ALIVE, CLOSED, MISWIRED or HUNG."""
        self._pass_time(now_ms)
        if self._frame_age_ms < self._silence_ms:
            return ALIVE if self._any_frames else STARTING
        if self._any_bytes and self._bytes_age_ms < self._silence_ms:
            return MISWIRED
        return HUNG if self.alive_before else CLOSED

    def _pass_time(self, now_ms):
        passed = now_ms - self._now_ms & _TICKS
        self._now_ms = now_ms
        self._bytes_age_ms = min(self._bytes_age_ms + passed, _LONG)
        self._frame_age_ms = min(self._frame_age_ms + passed, _LONG)


class HanPort:
    """The port and the newest values of its meter. Pure but for poll(), which reads `uart`.

    `refused` counts frames whose content was no list.
    """

    def __init__(self, uart, ticks_ms, alive_before=False, silence_ms=SILENCE_MS):
        self._uart = uart
        self._ticks_ms = ticks_ms
        self._silence_ms = silence_ms
        self._reader = FrameReader()
        self._values = {}  # name -> [value, quality, age in ms, taken]
        self._identity = None
        self._now_ms = ticks_ms()
        self.health = PortHealth(self._now_ms, alive_before, silence_ms)
        self.make = None
        self.clock = None
        self.refused = 0

    def poll(self) -> list:
        """Read what the UART holds; the lists it completes."""
        data = None
        try:
            if self._uart.any():
                data = self._uart.read()
        except OSError:
            pass  # silence: health() tells
        return self.feed(self._ticks_ms(), data or b"")

    def feed(self, now_ms: int, data) -> list:
        """Take bytes as they came at `now_ms`; the lists they complete."""
        self._pass_time(now_ms)
        before = self._reader.frames
        payloads = self._reader.feed(data)
        self.health.feed(now_ms, len(data), self._reader.frames - before)
        lists = []
        for payload in payloads:
            try:
                decoded = decode(payload)
            except ListError:
                self.refused += 1
                continue
            self._take(decoded)
            lists.append(decoded)
        return lists

    def read(self, name: str) -> "tuple[int | None, int]":
        """(value, quality) by a name of han_lists.NAMES.

        Power, current and voltage: the newest, unless it is late. A register: once, in the first read after
        the meter sent it (hourly); repeated, it would look like an hour without consumption. FAULT while
        the port gives nothing, MISSING while there is merely nothing new.
        """
        now_ms = self._ticks_ms()
        self._pass_time(now_ms)
        if self.health.state(now_ms) not in (ALIVE, STARTING):
            return None, FAULT
        newest = self._values.get(name)
        if newest is None:
            return None, MISSING
        value, quality, age_ms, taken = newest
        if _is_register(name):
            if taken or age_ms >= HOUR_MS:
                return None, MISSING
            newest[3] = True
        elif age_ms >= self._silence_ms:
            return None, MISSING
        return value, quality

    @property
    def meter_id(self):
        """Who the meter is, None until it has said so. It names a customer: compare it, never publish it."""
        return None if self._identity is None else self._identity.meter_id

    @property
    def fault(self) -> "str | None":
        """In words why read() gives FAULT."""
        state = self.health.state(self._ticks_ms())
        return None if state in (ALIVE, STARTING) else "port %s" % state

    def _pass_time(self, now_ms):
        passed = now_ms - self._now_ms & _TICKS
        self._now_ms = now_ms
        for newest in self._values.values():
            newest[2] = min(newest[2] + passed, _LONG)

    def _take(self, decoded):
        self.make = decoded.make
        if decoded.clock:
            self.clock = decoded.clock
        if decoded.identity is not None:
            self._identity = decoded.identity
        for name in sorted(decoded.values):  # MicroPython's dictionaries have no order
            value, quality = decoded.values[name]
            self._values[name] = [value, quality, 0, False]


def _is_register(name):
    return name.endswith("wh") or name.endswith("varh")


class Meter:
    """The meter's values by name, as the node samples them; poll() takes in what the meter pushes."""

    def __init__(self, port, names, kept):
        self._port = port
        self._names = names
        self._kept = kept  # whether the port ever gave frames; a reset must not make a hung one look closed
        self._known = port.health.alive_before

    def poll(self):
        self._port.poll()
        if self._port.health.alive_before and not self._known:
            self._known = True
            try:
                self._kept.set(1)
            except OSError:
                pass  # the words are for people; nothing else hangs on it

    def read(self):
        self.poll()
        return [self._port.read(name) for name in self._names]

    def faults(self):
        """In words what is wrong."""
        fault = self._port.fault
        return [fault] if fault else []

    def meter_id(self):
        """As HanPort.meter_id."""
        return self._port.meter_id


def attach(hardware, channels):
    """For sampling: `output` (a name of han_lists.NAMES) of each channel; `make`: Kamstrup has no parity."""
    parity = None if channels[0].get("make") == "kamstrup" else 0  # 0: even
    uart = hardware.uart(channels[0]["bus"], baudrate=2400, bits=8, parity=parity, stop=1, rxbuf=2048)
    kept = hardware.kept("han%d" % channels[0]["bus"]["uart"])
    try:
        alive_before = bool(kept.get())
    except OSError:
        alive_before = False
    port = HanPort(uart, hardware.ticks_ms, alive_before)
    return Meter(port, [c["output"] for c in channels], kept)
