"""The line to the radio: what BUSY means, and errors in words. The driver's test has the frames."""

import time

from drivers.sx126x_line import Line, named


class Pin:
    IN, OUT = 1, 3

    def __init__(self):
        self.level = 0
        self.log = []

    def init(self, mode, value=None):
        self.log.append((mode, value))

    def __call__(self, level=None):
        if level is None:
            return self.level
        self.log.append(level)


class Spi:
    def write(self, frame):
        self.wrote = bytes(frame)

    def write_readinto(self, frame, answer):
        self.wrote = bytes(frame)
        answer[:] = bytes(range(len(frame)))


def test_each_command_has_the_chip_to_itself(monkeypatch):
    monkeypatch.setattr(time, "ticks_ms", lambda: 0, raising=False)
    monkeypatch.setattr(time, "ticks_add", lambda ticks, ms: ticks + ms, raising=False)
    cs, busy, spi = Pin(), Pin(), Spi()
    line = Line(spi, cs, busy)
    line.command(b"\x80\x01")
    assert cs.log == [(Pin.OUT, 1), 0, 1]
    assert spi.wrote == b"\x80\x01"
    assert line.irq() == (1, 2 << 8 | 3)
    assert line.errors() == 2 << 8 | 3
    line.change(0x0889, 4, 4)
    assert spi.wrote == b"\x0d\x08\x89\x04"


def test_errors_in_words():
    assert named(0x20) == "XOSC (TCXO)"
    assert named(0x101) == "RC64k, PA ramp"
    assert named(0) == ""
