"""Serial ports of this machine on which a board may hang."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from tools.node.trouble import Trouble

# Makers of the USB bridges on such boards, and of the ESP32's own USB.
_MAKERS = {0x10C4: "CP210x", 0x1A86: "CH34x", 0x0403: "FTDI", 0x303A: "Espressif USB", 0x067B: "PL2303"}


@dataclass(frozen=True, slots=True)
class Port:
    """One serial port: how to open it, and what the USB bridge says it is."""

    path: str
    bridge: str


def serial_ports(folder: Path | None = None) -> list[Port]:
    """Return the ports with a known USB bridge; with a `folder` everything in it instead."""
    if folder is not None:
        return [Port(str(path), "") for path in sorted(folder.iterdir())]
    found = [port for port in list_ports.comports() if port.vid in _MAKERS]
    return sorted((Port(p.device, _MAKERS[p.vid or 0]) for p in found), key=lambda port: port.path)


def is_none(path: str, said: str) -> bool:
    """Whether what opened a path, or would have, says that it is anything but a serial port."""
    return "Inappropriate ioctl" in said or (Path(path).exists() and not Path(path).is_char_device())


def pick(asked: str | None, ports: Sequence[Port]) -> str:
    """Return the port asked for, or the only one there is. Raises Trouble."""
    if asked:
        return asked
    if not ports:
        raise Trouble("no_port")
    if len(ports) > 1:
        raise Trouble("many_ports", ports=", ".join(port.path for port in ports))
    return ports[0].path
