"""A USB serial port of this machine with a virtual board behind it, and what goes wrong on such a cable.

The port is a pseudo-terminal whose name is a symbolic link at a fixed path, so that it looks the same each
time it is plugged in. A pseudo-terminal has no DTR and RTS: the board is told when somebody opens a
conversation and when the port is closed, and acts as if its auto-reset circuit had seen the lines.

One pseudo-terminal lasts from plugging to unplugging: were it replaced whenever somebody closes it, the next
program could open the old one and find a cable that was just pulled.
"""

import asyncio
import fcntl
import os
import random
import select
import struct
import tty
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_UNLOCK, _NUMBER = 0x40045431, 0x80045430  # TIOCSPTLCK, TIOCGPTN of Linux
_PENDING_MAX = 1 << 16
_LOOK_S = 0.005  # nothing tells of a terminal that is opened again


@dataclass(slots=True)
class Cable:
    """What the line does to the bytes. `unplug_after`: bytes from the computer until the cable comes out.

    `noise` is the share of bytes, in both directions, in which one bit flips. `mute`: nothing comes through.
    """

    unplug_after: int | None = None
    noise: float = 0.0
    mute: bool = False
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311

    def spoil(self, content: bytes) -> bytes:
        """Return what arrives of `content`."""
        if self.mute:
            return b""
        if not self.noise:
            return content
        flip = self.dice.random
        return bytes(b ^ 1 << self.dice.randrange(8) if flip() < self.noise else b for b in content)


class UsbPort:
    """`heard` gets what the computer sends, `closed` is called when it closes the port.

    `pulled` is called when the cable comes out by itself.
    """

    def __init__(
        self,
        path: Path,
        heard: Callable[[bytes], None],
        closed: Callable[[], None],
        pulled: Callable[[], None],
    ) -> None:
        self.path = path
        self.cable = Cable()
        self._heard, self._closed, self._pulled = heard, closed, pulled
        self._ours = -1
        self._pending = bytearray()
        self._look: asyncio.TimerHandle | None = None

    @property
    def plugged(self) -> bool:
        return self._ours >= 0

    def plug(self) -> None:
        """The port appears."""
        self.unplug()
        self._ours = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self._ours, _UNLOCK, struct.pack("i", 0))
        (number,) = struct.unpack("i", fcntl.ioctl(self._ours, _NUMBER, bytes(4)))
        tty.setraw(self._ours)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(f"/dev/pts/{number}")
        fresh.replace(self.path)
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    def unplug(self) -> None:
        """The port is gone, and whoever has it open is told so by the system."""
        if self._ours >= 0:
            self.path.unlink(missing_ok=True)
            self._rest()
            os.close(self._ours)
            self._ours = -1

    def send(self, content: bytes) -> None:
        """Send to the computer; what nobody fetches is lost."""
        if self._ours < 0 or self._look:
            return
        self._pending += self.cable.spoil(content)
        del self._pending[_PENDING_MAX:]
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(BlockingIOError):
            while self._pending:
                del self._pending[: os.write(self._ours, self._pending)]
        if self._pending:
            loop.add_writer(self._ours, self._flush)
        else:
            loop.remove_writer(self._ours)

    def _read(self) -> None:
        try:
            content = os.read(self._ours, 4096)
        except BlockingIOError:
            return
        except OSError:  # the computer has closed the port
            self._rest()
            self._await_opening()
            self._closed()
            return
        left = self.cable.unplug_after
        if left is not None:
            content = content[:left]
            self.cable.unplug_after = left - len(content)
        content = self.cable.spoil(content)
        if content:
            self._heard(content)
        if self.cable.unplug_after == 0:
            self.cable.unplug_after = None
            self.unplug()
            self._pulled()

    def _await_opening(self) -> None:
        """A closed terminal would wake the event loop without end, so it is looked at now and then."""
        loop = asyncio.get_running_loop()
        ready = select.poll()
        ready.register(self._ours, select.POLLIN)
        if any(events & select.POLLHUP for _, events in ready.poll(0)):
            self._look = loop.call_later(_LOOK_S, self._await_opening)
        else:
            self._look = None
            loop.add_reader(self._ours, self._read)

    def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._ours)
        loop.remove_writer(self._ours)
        if self._look:
            self._look.cancel()
        self._look = None
        self._pending.clear()
