"""Reaches MicroPython's prompt on a serial port, or says why there is none.

A node's program is interrupted, never the board reset first: its RTC memory outlives the visit. A board that
sleeps does not answer; it has to be woken by its reset button or a press of its own button.

Patience is counted in tries, each of which listens for STEP_S: a computer that stalls for seconds between
asking and listening has not been patient, and must not take a board for a silent one.
"""

import errno
import time
from pathlib import Path

import serial

from tools.node import ports
from tools.node.trouble import Trouble

PROMPT = b">>> "
_CTRL_B, _CTRL_C = b"\x02", b"\x03"
STEP_S = 0.15
SILENT_S = 3.0  # Ctrl-C ends every wait of a program: one that says nothing for so long is not running
_STRANGE = 0.3  # share of bytes that no board prints: the line is disturbed or at another speed


def reach(path: str, timeout_s: float = 12.0, silent_s: float = SILENT_S) -> None:
    """Bring the board to its prompt and close the port again. Raises Trouble with the cause.

    `silent_s`: how long it may say nothing at all; a board that is known to be starting needs longer.
    """
    with _open(path) as port:
        heard = bytearray()
        tries = 0
        try:
            while tries * STEP_S < (timeout_s if heard else silent_s):
                tries += 1
                port.write(b"\r" + _CTRL_C + _CTRL_B)
                if _listen(port, heard):
                    return
                if hopeless := _hopeless(bytes(heard)):
                    raise Trouble(hopeless, port=path)
        except (serial.SerialException, OSError) as error:
            raise Trouble("unplugged", detail=str(error), port=path) from error
    raise Trouble(_cause(bytes(heard)), port=path, detail=heard[-400:].decode(errors="replace"))


def _listen(port: serial.Serial, heard: bytearray) -> bool:
    """Add to `heard` what comes within STEP_S and what has come by then; return whether it is the prompt."""
    until = time.monotonic() + STEP_S
    while True:
        over = time.monotonic() >= until
        heard += port.read(max(port.in_waiting, 1))
        if heard.endswith(PROMPT):
            return True
        if over:
            return False


def _hopeless(heard: bytes) -> str | None:
    """Return what no patience mends."""
    if b"waiting for download" in heard:
        return "download_mode"
    if heard.count(b"invalid header") + heard.count(b"csum err") >= 2:
        return "blank"  # or half written: the ROM finds nothing that it could start
    return None


def _cause(heard: bytes) -> str:
    if not heard:
        return "silent"
    plain = sum(byte in b"\r\n\t\x1b" or 32 <= byte < 127 for byte in heard)
    return "noise" if plain < (1 - _STRANGE) * len(heard) else "no_prompt"


def _open(path: str) -> serial.Serial:
    port = serial.Serial()
    port.port, port.baudrate, port.timeout, port.write_timeout = path, 115200, STEP_S / 3, 10
    port.exclusive = True
    port.dtr = port.rts = False  # or the auto-reset circuit would hold or reset the chip
    try:
        port.open()
    except (serial.SerialException, OSError) as error:
        raise Trouble(_why_not(error, path), detail=str(error), port=path) from error
    return port


def _why_not(error: Exception, path: str) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return "port_denied"
    if ports.is_none(path, str(error)):
        return "not_a_port"
    if "Input/output" in str(error):  # there is such a port, and nothing at its end
        return "unplugged"
    if number in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
        return "port_busy"
    return "port_busy" if Path(path).exists() and number != errno.ENOENT else "port_gone"
