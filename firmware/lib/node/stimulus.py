"""The stimulus board of a test bench: plays to the sensor pins of another board what a computer tells it.

One line each way on the serial port: a number, the text, "*" and the low byte of the CRC-32 of what stands
before as two hex digits. The answer has the command's number and says "ok ..." or "no" and why. A command
that is repeated under its number is answered again, not done again; a garbled line is not answered.

    hello                   what this board can play
    ranger MM               an ultrasonic ranger that says R + MM every 150 ms; 0: silent
    loop N UA               the voltage that a 4-20 mA loop of UA microamperes leaves over the shunt, at DAC N
    frame N AT HEX          bytes of frame N of the meter's recording, from byte AT on; AT 0 begins it anew
    meter COUNT MS          the first COUNT frames, one every MS, over and over; 0 0: silent
    gaps AT MS,MS,...       milliseconds from each pulse to the next, from number AT on; AT 0 begins anew
    pulses COUNT LOW        as many contacts of LOW ms, after those gaps, once
    played                  how many of them there have been
    probe                   what the reference probe on this board's own 1-Wire bus reads, in centi-degrees
    stop                    silence: no frames, no pulses, the loops at 0

It plays no 1-Wire probe: a DS18B20 has to answer within 15 microseconds, which no program in MicroPython
does. The board under test has a real probe; this board's own, in the same water, says what that should read.
"""

import struct
import time
from binascii import crc32, unhexlify

from node import RESTART_MS

VERSION = 1
PING_MS = 150
LINE_MAX = 240
FRAMES_MAX = 8
FRAME_MAX = 1024
GAPS_MAX = 512
POLL_MS = 2
FEED_MS = 1000
DAC_STEPS = 4096  # MCP4725: 12 bits, Microchip DS22039D


def checked(text):
    """Return a line with its check."""
    return "%s*%02x\n" % (text, crc32(text.encode()) & 0xFF)


def text_of(line):
    """Return the text of a line, None where the check does not fit."""
    text, star, check = line.rpartition("*")
    return text if star and check == "%02x" % (crc32(text.encode()) & 0xFF) else None


class Stimulus:
    """`outputs` are the parts that are wired: "ranger" and "meter" are called with bytes, "loops" is a list
    of calls with microamperes, "contact" is called with whether it is closed, "probe" returns centi-degrees.
    """

    def __init__(self, outputs, write):
        self._outputs = outputs
        self._write = write
        self._line = ""
        self._lost = False
        self._last = None  # (number, answer) of the last command
        self._begin()

    def _begin(self):
        self._distance = 0
        self._ping_ms = self._frame_ms = self._pulse_ms = time.ticks_ms()
        self._frames = {}
        self._playing = self._period_ms = self._next = 0
        self._gaps = []
        self._count = self._low_ms = self._done = 0
        self._closed = False

    # The line

    def received(self, text):
        """Take what came over the serial port."""
        for c in text:
            if c != "\n":
                self._lost = self._lost or len(self._line) >= LINE_MAX
                self._line = "" if self._lost else self._line + c
                continue
            line, lost = self._line, self._lost
            self._line, self._lost = "", False
            told = None if lost else text_of(line.strip())
            if told is not None:
                number, _, text = told.partition(" ")
                if self._last is None or self._last[0] != number:
                    self._last = (number, self._answer(text))
                self._write(checked("%s %s" % self._last))

    def _answer(self, text):
        verb, _, rest = text.partition(" ")
        obey = getattr(self, "_do_" + verb, None)
        if obey is None:
            return "no, there is no such command: " + verb[:20]
        try:
            return ("ok " + (obey(*rest.split()) or "")).strip()
        except (ValueError, TypeError, KeyError, IndexError) as error:
            return "no, %s: %s" % (verb, error)
        except OSError as error:
            return "no, %s does not answer: %r" % (verb, error)

    def _do_hello(self):
        outputs = self._outputs
        known = [name for name in ("ranger", "meter", "contact", "probe") if name in outputs]
        known += ["loop%d" % i for i in range(len(outputs.get("loops", ())))]
        return "stimulus %d %s" % (VERSION, " ".join(known))

    def _do_ranger(self, mm):
        self._need("ranger")
        if not 0 <= int(mm) <= 9999:
            raise ValueError("0 to 9999 mm")
        self._distance = int(mm)

    def _do_loop(self, number, ua):
        self._need("loops")
        self._outputs["loops"][int(number)](int(ua))

    def _do_frame(self, number, at, hexadecimal):
        self._need("meter")
        number, at, content = int(number), int(at), unhexlify(hexadecimal)
        known = b"" if at == 0 else self._frames[number]
        if not 0 <= number < FRAMES_MAX or at > len(known) or at + len(content) > FRAME_MAX:
            raise ValueError("no place for that")
        self._frames[number] = known[:at] + content

    def _do_meter(self, count, period_ms):
        count, period_ms = int(count), int(period_ms)
        if count and period_ms < 50:
            raise ValueError("50 ms at least")
        for i in range(count):
            self._frames[i]
        self._playing, self._period_ms, self._next = count, period_ms, 0
        self._frame_ms = time.ticks_ms()

    def _do_gaps(self, at, listed):
        self._need("contact")
        at, gaps = int(at), [int(gap) for gap in listed.split(",")]
        if at > len(self._gaps) or at + len(gaps) > GAPS_MAX or min(gaps) < 1:
            raise ValueError("no place for that")
        self._gaps = self._gaps[:at] + gaps

    def _do_pulses(self, count, low_ms):
        count, low_ms = int(count), int(low_ms)
        if count > len(self._gaps) or low_ms < 1 or (count and min(self._gaps[:count]) <= low_ms):
            raise ValueError("a gap for each, longer than the pulse")
        self._count, self._low_ms, self._done = count, low_ms, 0
        self._pulse_ms = time.ticks_ms()

    def _do_played(self):
        return "%d" % self._done

    def _do_probe(self):
        self._need("probe")
        return "%d" % self._outputs["probe"]()

    def _do_stop(self):
        if self._closed:
            self._outputs["contact"](False)
        for loop in self._outputs.get("loops", ()):
            loop(0)
        self._begin()

    def _need(self, name):
        if name not in self._outputs:
            raise ValueError("there is no %s on this board" % name)

    # What is played

    def turn(self):
        """Play what is due; to be called every POLL_MS."""
        now = time.ticks_ms()
        if self._distance and time.ticks_diff(now, self._ping_ms) >= PING_MS:
            self._ping_ms = now
            self._outputs["ranger"](b"R%04d\r" % self._distance)
        if self._playing and time.ticks_diff(now, self._frame_ms) >= self._period_ms:
            self._frame_ms = time.ticks_add(self._frame_ms, self._period_ms)
            self._outputs["meter"](self._frames[self._next])
            self._next = (self._next + 1) % self._playing
        if self._closed:
            if time.ticks_diff(now, self._pulse_ms) >= self._low_ms:
                self._closed = False
                self._outputs["contact"](False)
        elif self._done < self._count and time.ticks_diff(now, self._pulse_ms) >= self._gaps[self._done]:
            self._pulse_ms = now
            self._closed = True
            self._outputs["contact"](True)
            self._done += 1


def _loop(i2c, address, vdd_mv, shunt_ohm):
    def drive(ua):
        code = (ua * shunt_ohm * DAC_STEPS // 1000 + vdd_mv // 2) // vdd_mv
        if not 0 <= code < DAC_STEPS:
            raise ValueError("%d uA are beyond what the DAC can show" % ua)
        i2c.writeto(address, struct.pack(">H", code))  # fast mode write, powered

    return drive


def _outputs(wired):
    """Return what is wired, made of the settings' "stimulus"."""
    import machine

    made: "dict" = {}
    for name, parity in (("ranger", None), ("meter", 0)):
        if name in wired:
            at = wired[name]
            uart = machine.UART(
                at["uart"], baudrate=9600 if name == "ranger" else 2400, tx=at["tx"], rx=at["rx"],
                parity=parity if at.get("parity", "E") == "E" else None,
            )  # fmt: skip
            made[name] = uart.write
    if "loops" in wired:
        at = wired["loops"]
        i2c = machine.I2C(at["i2c"], scl=machine.Pin(at["scl"]), sda=machine.Pin(at["sda"]), freq=100000)
        made["loops"] = [_loop(i2c, a, at["vdd_mv"], at["shunt_ohm"]) for a in at["addresses"]]
    if "contact" in wired:
        pin = machine.Pin(wired["contact"], machine.Pin.OPEN_DRAIN, value=1)
        made["contact"] = lambda closed: pin.value(0 if closed else 1)
    if "probe" in wired:
        made["probe"] = lambda: _probe_cc(wired["probe"])
    return made


def _probe_cc(pin):
    import ds18x20
    import machine
    import onewire

    probes = ds18x20.DS18X20(onewire.OneWire(machine.Pin(pin)))
    (rom,) = probes.scan()
    probes.convert_temp()
    time.sleep_ms(750)
    return round(probes.read_temp(rom) * 100)


def run(config, watchdog):
    """Play until somebody presses Ctrl-C, or until an error; return the milliseconds before a new start."""
    import select
    import sys

    board = Stimulus(_outputs(config["stimulus"]), sys.stdout.write)
    arrivals = select.poll()
    arrivals.register(sys.stdin, select.POLLIN)
    fed = time.ticks_ms()
    try:
        while True:
            if arrivals.poll(POLL_MS):
                board.received(sys.stdin.buffer.read(1).decode())
            board.turn()
            if time.ticks_diff(time.ticks_ms(), fed) >= FEED_MS:
                fed = time.ticks_ms()
                watchdog.feed()
    except Exception as error:
        sys.print_exception(error)
        return RESTART_MS
