"""A pseudo-terminal as a USB serial port: plugging, closing, and a cable that fails."""

import asyncio
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import serial

from hardware.virtual.usb_port import Cable, UsbPort
from tests.waiting import until


class Listener:
    def __init__(self, path: Path) -> None:
        self.heard = b""
        self.closed = self.pulled = 0
        self.port = UsbPort(path, self._hear, self._close, self._pull)

    def _hear(self, content: bytes) -> None:
        self.heard += content

    def _close(self) -> None:
        self.closed += 1

    def _pull(self) -> None:
        self.pulled += 1


@pytest.fixture
async def usb(tmp_path: Path) -> AsyncIterator[Listener]:
    made = Listener(tmp_path / "ttyUSB0")
    made.port.plug()
    yield made
    made.port.unplug()


async def test_bytes_go_both_ways_unchanged(usb: Listener) -> None:
    every = bytes(range(256))
    with serial.Serial(str(usb.port.path), 115200, timeout=60) as port:
        port.write(every)
        await until(lambda: usb.heard == every)
        usb.port.send(every)
        assert await asyncio.to_thread(port.read, 256) == every


async def test_closing_is_noticed_and_the_port_can_be_opened_again(usb: Listener) -> None:
    for _ in range(2):
        closed = usb.closed + 1
        with serial.Serial(str(usb.port.path), 115200) as port:
            port.write(b"x")
            await until(partial(lambda n: len(usb.heard) == n, closed))
        await until(partial(lambda n: usb.closed == n, closed))
    assert usb.port.plugged


async def test_the_cable_comes_out_at_a_byte(usb: Listener) -> None:
    usb.port.cable.unplug_after = 3
    with serial.Serial(str(usb.port.path), 115200) as port:
        port.write(b"abcdef")
        await until(lambda: usb.pulled)
        assert usb.heard == b"abc"
        assert not usb.port.path.is_symlink()
        with pytest.raises((serial.SerialException, OSError)):
            os.write(port.fileno(), b"x")
    usb.port.plug()
    assert usb.port.path.exists()


async def test_a_mute_cable(usb: Listener) -> None:
    usb.port.cable.mute = True
    with serial.Serial(str(usb.port.path), 115200, timeout=0.1) as port:
        port.write(b"abc")
        usb.port.send(b"def")
        assert await asyncio.to_thread(port.read, 3) == b""
    assert usb.heard == b""


def test_noise_flips_the_share_it_is_told() -> None:
    content = bytes(20_000)
    flipped = sum(byte != 0 for byte in Cable(noise=0.1).spoil(content))
    assert 1_800 < flipped < 2_200
    assert Cable().spoil(content) == content
