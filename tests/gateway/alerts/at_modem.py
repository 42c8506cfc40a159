"""A GSM modem on a pseudo-terminal, simulated: the AT commands of 3GPP TS 27.005 and 27.007 that gammu uses.

It echoes as modems do, takes messages in PDU mode and keeps them, and hands out those put into it.
"""

import os
import pty
import select
import subprocess
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

_ANSWERS = {
    "AT": "", "ATZ": "", "AT+CFUN=1": "", "ATE1": "", "ATE0": "",
    "AT+CMEE=1": "", "AT+CMEE=2": "", "AT+CMGF=0": "",
    "AT+CMGF?": "+CMGF: 0", "AT+CMGF=?": "+CMGF: (0,1)",
    "AT+CSCS?": '+CSCS: "GSM"', "AT+CSCS=?": '+CSCS: ("GSM","UCS2","HEX")', "AT+CSCS=\"GSM\"": "",
    "AT+CSCS=\"UCS2\"": "", "AT+CSCS=\"HEX\"": "",
    "AT+CGMI": "SIMULATED", "AT+CGMM": "MODEM", "AT+CGMR": "1.0", "AT+CGSN": "490154203237518",
    "AT+CIMI": "242010000000000", "AT+CPIN?": "+CPIN: READY", "AT+CBC": "+CBC: 0,100",
    "AT+CREG=2": "", "AT+CREG?": '+CREG: 2,1,"0001","00000001"', "AT+CGREG=2": "",
    "AT+CGREG?": '+CGREG: 2,1,"0001","00000001"', "AT+COPS?": '+COPS: 0,2,"24201"', "AT+CGATT?": "+CGATT: 1",
    "AT+COPS=3,2": "", "AT+CSQ": "+CSQ: 20,99", "AT+CSCA?": '+CSCA: "+4790002100",145',
    "AT+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")', "AT+CPMS?": '+CPMS: "SM",{n},10,"SM",{n},10,"SM",{n},10',
    'AT+CPMS="SM","SM"': "+CPMS: {n},10,{n},10,{n},10", 'AT+CPMS="SM"': "+CPMS: {n},10,{n},10,{n},10",
    'AT+CPMS="SM","SM","SM"': "+CPMS: {n},10,{n},10,{n},10",
    "AT+CNMI=?": "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", "AT+CNMI?": "+CNMI: 0,0,0,0,0",
    "AT+CSMS?": "+CSMS: 0,1,1,1",
}  # fmt: skip

_GSM_7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


class AtModem:
    """`sent` are the PDUs it has sent, as hexadecimal digits; `refusing` and `mute` are its bad days."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._ours)
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        self.sent: list[str] = []
        self.inbox: dict[int, str] = {}
        self.unknown: list[str] = []
        self.refusing = False
        self.mute = False
        self._buffer = b""
        self._taking = False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)

    def _say(self, text: str) -> None:
        if not self.mute:
            os.write(self._ours, text.encode())

    def _serve(self) -> None:
        while not self._end.is_set():
            if not select.select([self._ours], [], [], 0.05)[0]:
                continue
            self._buffer += os.read(self._ours, 4096)
            while self._step():
                pass

    def _step(self) -> bool:
        if self._taking:
            return self._take_pdu()
        line, found, rest = self._buffer.partition(b"\r")
        if not found:
            self._buffer = self._buffer.lstrip(b"\x1b\n")
            return False
        self._buffer = rest
        command = line.decode(errors="replace").strip().lstrip("\x1b")
        if command:
            self._obey(command)
        return True

    def _take_pdu(self) -> bool:
        for end, said in ((b"\x1a", None), (b"\x1b", "\r\nOK\r\n")):
            pdu, found, rest = self._buffer.partition(end)
            if found:
                self._buffer, self._taking = rest, False
                if said is None and self.refusing:
                    said = "\r\n+CMS ERROR: 38\r\n"  # network out of order
                elif said is None:
                    self.sent.append(pdu.decode().strip())
                    said = f"\r\n+CMGS: {len(self.sent)}\r\n\r\nOK\r\n"
                self._say(said)
                return True
        return False

    def _obey(self, command: str) -> None:
        self._say(command + "\r")
        if command.startswith("AT+CMGS="):
            self._taking = True
            self._say("\r\n> ")
            return
        answer = self._answer(command)
        if answer is None:
            self.unknown.append(command)
            self._say("\r\nERROR\r\n")
        else:
            self._say((f"\r\n{answer}\r\n" if answer else "") + "\r\nOK\r\n")

    def _answer(self, command: str) -> str | None:
        if command in _ANSWERS:
            return _ANSWERS[command].format(n=len(self.inbox))
        name, _, argument = command.partition("=")
        if name == "AT+CNMI":
            return ""
        if name == "AT+CMGL":
            return "\r\n".join(
                f"+CMGL: {i},0,,{_tpdu_length(p)}\r\n{p}" for i, p in sorted(self.inbox.items())
            )
        if name == "AT+CMGR" and int(argument) in self.inbox:
            pdu = self.inbox[int(argument)]
            return f"+CMGR: 0,,{_tpdu_length(pdu)}\r\n{pdu}"
        if name == "AT+CMGD" and argument.split(",")[0].isdecimal():
            self.inbox.pop(int(argument.split(",")[0]), None)
            return ""
        return None


def _tpdu_length(pdu: str) -> int:
    """Bytes of a PDU without the service centre's address in front."""
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)


def incoming(number: str, text: str) -> str:
    """Return the SMS-DELIVER PDU (3GPP TS 23.040) of a short text in UCS-2 from an international number."""
    digits = number.lstrip("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2))
    body = text.encode("utf-16-be").hex().upper()
    return f"0004{len(digits):02X}91{swapped}000862111251820004{len(body) // 2:02X}{body}"


def text_of(pdu: str) -> tuple[str, str]:
    """Return (number, text) of an SMS-SUBMIT PDU, one that is a message of its own."""
    at = 2 + 2 * int(pdu[:2], 16)  # past the service centre
    first = int(pdu[at : at + 2], 16)
    length = int(pdu[at + 4 : at + 6], 16)
    digits = pdu[at + 8 : at + 8 + length + length % 2]
    number = "+" + "".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2)).rstrip("F")
    at += 8 + length + length % 2
    coding = int(pdu[at + 2 : at + 4], 16)
    at += 4 + (2 if first & 0x10 else 0)  # protocol, coding, validity
    count = int(pdu[at : at + 2], 16)
    octets = bytes.fromhex(pdu[at + 2 :])
    if coding == 8:
        return number, octets.decode("utf-16-be")
    bits = int.from_bytes(octets, "little")
    return number, "".join(_GSM_7[bits >> 7 * i & 0x7F] for i in range(count))


def write_config(folder: Path, device: str) -> Path:
    """Return gammu-smsd's configuration for a modem, with its folders beside it."""
    for name in ("in", "out", "sent", "error"):
        (folder / name).mkdir(exist_ok=True)
    config = folder / "smsdrc"
    config.write_text(
        f"[gammu]\ndevice = {device}\nconnection = at115200\n\n[smsd]\nservice = files\n"
        f"logfile = {folder}/smsd.log\ninboxpath = {folder}/in/\noutboxpath = {folder}/out/\n"
        f"sentsmspath = {folder}/sent/\nerrorsmspath = {folder}/error/\nmaxretries = 1\nretrytimeout = 1\n"
        "commtimeout = 1\nloopsleep = 1\nreceivefrequency = 1\nstatusfrequency = 0\nchecksecurity = 0\n"
        "checksignal = 0\ncheckbattery = 0\nchecknetwork = 0\n"
    )
    return config


@contextmanager
def smsd(config: Path) -> Iterator[None]:
    """Run Debian's gammu-smsd, and end it whatever happens."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(["gammu-smsd", "-c", config], stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
