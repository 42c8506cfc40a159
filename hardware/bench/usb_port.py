"""Power by a switched port of a USB hub, by Linux's own attribute of the port.

A hub that can switch its ports (per-port power switching) has, since Linux 6.0, a file `disable` for each:
1 takes the supply away, 0 gives it back, and reading tells. Source: Documentation/ABI/testing/sysfs-bus-usb,
"/sys/bus/usb/devices/.../<hub_interface>/port<X>/disable". Many hubs take the command and switch nothing:
`sensornett rig check` shows that by a board that goes on printing.
"""

import asyncio
from pathlib import Path
from typing import Protocol

from hardware.protocols import InstrumentError

NAME = "disable"


class PortFile(Protocol):
    """The port's attribute: text in, text out. Both raise OSError."""

    def write(self, text: str) -> None: ...

    def read(self) -> str: ...


class SysfsPort:
    """The port in `folder`: /sys/bus/usb/devices/1-1:1.0/1-1-port2. Raises InstrumentError."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        if not self._path.exists():
            raise InstrumentError(
                f"power: {self._path} is not there: is that the port of a hub, and the kernel 6.0 or newer?"
            )

    def write(self, text: str) -> None:
        self._path.write_text(text)

    def read(self) -> str:
        return self._path.read_text()


class UsbPortPower:
    """The board's supply from a port of a hub. `name` is what errors call it.

    `off_s`: so long it stays off at least, until the board's capacitors are empty.
    """

    def __init__(self, port: PortFile, name: str, *, off_s: float = 0.0) -> None:
        self._port, self._name, self._off_s = port, name, off_s

    async def on(self) -> None:
        self._switch(True)

    async def off(self) -> None:
        if self._switch(False):
            await asyncio.sleep(self._off_s)

    def _switch(self, on: bool) -> bool:
        """Return whether it was otherwise before. Raises InstrumentError."""
        wanted = "0" if on else "1"
        try:
            before = self._port.read().strip()
            if before != wanted:
                self._port.write(wanted)
            found = self._port.read().strip()
        except PermissionError as error:
            raise InstrumentError(
                f"{self._name} may not be switched by this user: see the udev rule in hardware/README.md"
            ) from error
        except OSError as error:
            raise InstrumentError(f"{self._name}: {error.strerror}. Is the hub plugged in?") from error
        if found != wanted:
            raise InstrumentError(
                f"{self._name} was told {'on' if on else 'off'} and is not: this hub can not switch its ports"
            )
        return before != wanted
