"""Text messages through Debian's gammu-smsd and a GSM modem: the channel that needs no internet.

gammu-smsd has its own spool (its FILES service). A message counts as delivered when it has left the spool
for the folder of sent ones; one that has not within `SENT_S` is taken back, so that another channel gets it.
"""

import configparser
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SENT_S = 90.0
POLL_S = 0.5
# The basic alphabet of 3GPP TS 23.038: æ, ø and å are in it.
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_WRITTEN = re.compile(r"Written message with ID (\S+)")
_INCOMING = re.compile(r"IN\d{8}_\d{6}_\d+_(?P<number>\+?\w+)_\d+\.txt")
_REPLY = re.compile(r"\s*(?P<code>\d{1,4})\s*(?P<escalate>[eE]\w*)?\s*[.!]?\s*")


class SmsError(Exception):
    """The message did not go; the text says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A text message that came in. `code` None: it names no alert."""

    number: str
    text: str
    code: int | None
    escalate: bool


class Gammu:
    """gammu-smsd's spool, by its configuration file. Raises SmsError where that can not be used."""

    def __init__(self, config: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        self._config = config
        self._sleep = sleep
        parsed = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parsed.read_string(config.read_text())
            smsd = parsed["smsd"]
            if smsd.get("service", "files").lower() != "files":
                raise SmsError(f"{config}: set `service = files` in [smsd]")
            self._inbox = Path(smsd["inboxpath"])
            self._sent = Path(smsd["sentsmspath"])
            self._failed = Path(smsd["errorsmspath"])
            self._outbox = Path(smsd["outboxpath"])
        except (OSError, KeyError, configparser.Error) as error:
            raise SmsError(f"{config}: is no configuration of gammu-smsd: {error}") from error

    def send(self, number: str, text: str) -> str:
        """Hand a message to the modem and return once it has been sent. Raises SmsError. Blocks."""
        command = ["gammu-smsd-inject", "-c", str(self._config), "TEXT", number]
        command += ["-len", str(len(text)), "-textutf8", text]
        if not set(text) <= GSM_7:
            command.insert(-2, "-unicode")  # 70 letters a message instead of 160
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SmsError(f"gammu-smsd-inject does not work: {error}") from error
        written = _WRITTEN.search(done.stdout)
        if done.returncode or written is None:
            raise SmsError(f"gammu-smsd-inject refused: {(done.stderr or done.stdout).strip()[:200]}")
        name = Path(written[1]).name
        for _ in range(round(SENT_S / POLL_S)):
            if self._find(self._sent, name):
                return f"sent, {name}"
            if self._find(self._failed, name):
                raise SmsError("the modem could not send it")
            self._sleep(POLL_S)
        for file in self._outbox.glob(f"{name}*"):
            file.unlink(missing_ok=True)
        if self._find(self._sent, name):
            return f"sent, {name}"
        raise SmsError(f"the modem has not sent it within {SENT_S:.0f} s")

    @staticmethod
    def _find(folder: Path, name: str) -> bool:
        return any(folder.glob(f"{Path(name).stem}*"))

    def replies(self) -> Iterator[tuple[Path, Reply]]:
        """Yield what has come in, oldest first. Whoever has dealt with one removes its file."""
        for file in sorted(self._inbox.glob("IN*.txt")):
            matched = _INCOMING.fullmatch(file.name)
            if matched:
                yield file, read_reply(matched["number"], file.read_text(encoding="utf-8", errors="replace"))


def read_reply(number: str, text: str) -> Reply:
    """Return what a text message says: "7" acknowledges, "7 E" passes on to the next."""
    matched = _REPLY.fullmatch(text)
    if matched is None:
        return Reply(number, text[:160], None, False)
    return Reply(number, text[:160], int(matched["code"]), matched["escalate"] is not None)
