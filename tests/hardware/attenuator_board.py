"""A digital step attenuator on a port of this machine: it speaks the protocol of the board, line by line."""

import re
from collections.abc import Callable
from pathlib import Path

from hardware.virtual.usb_port import UsbPort

STEP_DB, MOST_DB = 0.25, 124.75


class AttenuatorOnBench:
    """`set_to` is told each new loss. `deaf`: it answers nothing; `stuck`: it says attOK and stays."""

    def __init__(self, path: Path, set_to: Callable[[float], None] = lambda db: None) -> None:
        self.db = 0.0
        self.deaf = self.stuck = False
        self.lines: list[bytes] = []
        self._set_to = set_to
        self._partial = b""
        self.port = UsbPort(path, self._heard, lambda: None, lambda: None)
        self.port.plug()

    def _heard(self, content: bytes) -> None:
        *lines, self._partial = (self._partial + content).split(b"\r\n")
        for line in lines:
            self.lines.append(line)
            if not self.deaf:
                self.port.send(self._answer(line))

    def _answer(self, line: bytes) -> bytes:
        if line == b"READ":
            return b"ATT = -%.2f\r\n" % self.db
        found = re.fullmatch(rb"att-(\d{3}\.\d\d)", line)
        if found is None or not 0 <= float(found[1]) <= MOST_DB or float(found[1]) % STEP_DB:
            return b""
        if not self.stuck:
            self.db = float(found[1])
            self._set_to(self.db)
        return b"attOK\r\n"
