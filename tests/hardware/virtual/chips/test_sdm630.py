"""The Modbus meter: golden frames, what it refuses, and its faults."""

import struct
from functools import partial

import pytest

from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.sdm630 import Sdm630, crc
from hardware.virtual.clock import ManualClock

# From Eastron's document: volts line to neutral of phase 1, 230.2 V.
REQUEST = bytes.fromhex("01040000000271cb")
ANSWER = bytes.fromhex("010404436633341b38")


def meter(**quantities: float) -> tuple[Sdm630, list[bytes]]:
    chip = Sdm630({name: partial(float, value) for name, value in quantities.items()}, ManualClock())
    said: list[bytes] = []
    chip.send = said.append
    chip.power_on()
    return chip, said


def asked(first: int, count: int, address: int = 1, function: int = 4) -> bytes:
    body = bytes((address, function)) + struct.pack(">HH", first, count)
    return body + crc(body)


def test_golden_frames() -> None:
    chip, said = meter(l1_v=struct.unpack(">f", ANSWER[3:7])[0])
    assert asked(0, 2) == REQUEST
    chip.received(REQUEST)
    assert said == [ANSWER]


def test_several_registers_at_once() -> None:
    chip, said = meter(import_kwh=12.5, export_kwh=2.0)
    chip.received(asked(72, 4))
    assert struct.unpack(">ff", said[0][3:11]) == (12.5, 2.0)
    chip.received(asked(60, 2))
    assert struct.unpack(">f", said[1][3:7]) == (0.0,)


@pytest.mark.parametrize(
    "request_", [REQUEST[:-1], REQUEST[:-1] + b"?", asked(0, 2, address=2), b"", REQUEST + b"\0"]
)
def test_what_is_not_for_it_is_not_answered(request_: bytes) -> None:
    chip, said = meter()
    chip.received(request_)
    assert said == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [(asked(0, 2, function=3), 1), (asked(1, 2), 2), (asked(0, 0), 2), (asked(400, 2), 2)],
)
def test_what_it_refuses(request_: bytes, code: int) -> None:
    chip, said = meter()
    chip.received(request_)
    assert said[0][1:3] == bytes((request_[1] | 0x80, code))
    assert crc(said[0][:-2]) == said[0][-2:]


def test_faults() -> None:
    value = 100.0
    chip = Sdm630({"power_w": lambda: value}, ManualClock())
    said: list[bytes] = []
    chip.send = said.append
    chip.received(asked(52, 2))  # no supply
    chip.power_on()
    chip.fault = Fault.DISCONNECTED
    chip.received(asked(52, 2))
    assert said == []
    chip.fault = Fault.NONE
    chip.received(asked(52, 2))
    chip.fault, value = Fault.STUCK, 200.0
    chip.received(asked(52, 2))
    assert said[1] == said[0]
    chip.fault = Fault.CORRUPT
    chip.received(asked(52, 2))
    assert crc(said[2][:-2]) != said[2][-2:]
    chip.fault = Fault.OUT_OF_RANGE
    chip.received(asked(52, 2))
    assert struct.unpack(">f", said[3][3:7]) == (float("inf"),)
