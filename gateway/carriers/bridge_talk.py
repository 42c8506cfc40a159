"""What is said over the cable to one USB LoRa bridge, without the cable: bytes in, uplinks and bytes out.

The format is in wire/bridge.py. One command is under way at a time and is said again until it is answered;
packets the bridge heard are acknowledged at once, and said by it again until they are.
"""

import math
import secrets
import struct
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from device_configs.radio_schema import Lora
from gateway.carriers.receivers import Receivers
from gateway.clock import utc_ms
from gateway.model import Reception, Uplink
from wire import bridge as cable

log = structlog.get_logger()

ASK_S = 1.0  # how often a bridge that does not answer is asked who it is
AGAIN_S = 0.2  # after which a command without an answer is said again
GIVE_UP_S = 1.0
SILENT_S = 12.0  # it says something every five seconds
REVIVE_S = 30.0
# To a board that stands at its prompt: leave the raw one, stop what runs, start the program.
REVIVE = b"\r\x02\x03\x04"
QUEUE_MAX = 32
BANDWIDTHS_KHZ = (125, 250, 500)
AGE_MAX_MS = 86_400_000  # older than that nothing can be that waits in a bridge's memory


@dataclass(slots=True)
class _Command:
    kind: int
    number: int
    body: bytes
    until_s: float
    said_s: float = 0.0


class Talk:
    """`deliver` gets whole uplinks, `write` sends bytes; `now_s` is a clock that never steps.

    `counts` has what was dropped and not sent, by cause, and what the bridge says of itself.
    """

    def __init__(
        self,
        lora: Lora,
        receivers: Receivers,
        *,
        deliver: Callable[[Uplink], None],
        write: Callable[[bytes], None],
        now_s: Callable[[], float],
        now_ms: Callable[[], int] = utc_ms,
    ) -> None:
        self._lora = lora
        self._receivers = receivers
        self._deliver = deliver
        self._write = write
        self._now_s = now_s
        self._now_ms = now_ms
        self.counts: Counter[str] = Counter()
        self.receiver: str | None = None  # the bridge's id, while it has answered
        self.working = False  # its radio, as it said last
        self._lines = cable.Lines()
        self._boot = -1
        self._takes = cable.TAKES
        self._heard_s = now_s()
        self._revived_s = now_s()
        self._asked_s = 0.0
        self._asked: set[int] = set()  # numbers of the questions since the port was opened
        self._number = secrets.randbelow(256)
        self._last: tuple[int, int] | None = None  # boot and number of the last packet taken
        self._commands: deque[_Command] = deque()
        self._told: dict[str, int] = {}  # what the bridge counted since its start, as it said last
        self._told_boot = -1
        self._others = 0
        receivers.join(self)

    @property
    def connected(self) -> bool:
        """Whether the bridge has answered, has a radio, and was heard of lately."""
        return self.receiver is not None and self.working and self._now_s() - self._heard_s < SILENT_S

    def opened(self) -> None:
        """The port is open: who is there?"""
        self._lines = cable.Lines()
        self._others = 0
        self._asked.clear()
        self._heard_s = self._revived_s = self._now_s()
        self._ask()

    def closed(self) -> None:
        """The port is gone."""
        self._forget()

    def tick(self) -> None:
        """To be called several times a second."""
        now_s = self._now_s()
        silent_s = now_s - self._heard_s
        if self.receiver is not None and silent_s > SILENT_S:
            log.warning("bridge_silent", bridge=self.receiver)
            self._forget()
        if self.receiver is None and now_s - self._asked_s > ASK_S:
            self._ask()
            if silent_s > REVIVE_S and now_s - self._revived_s > REVIVE_S:
                self._revived_s = now_s
                self._write(REVIVE)
        while self._commands and now_s > self._commands[0].until_s:
            self._commands.popleft()
            self.counts["not sent: the bridge does not answer"] += 1
        self._say()

    # What the bridge says

    def received(self, content: bytes) -> None:
        """Take what came over the cable, whatever it is."""
        garbled = self._lines.garbled
        for kind, number, body in self._lines.feed(content):
            try:
                self._take(kind, number, body)
            except (ValueError, IndexError):
                self.counts["dropped: makes no sense"] += 1
        if self._lines.garbled > garbled:
            self.counts["garbled on the cable"] += self._lines.garbled - garbled
        if self._lines.others != self._others:
            self._others = self._lines.others
            log.info("bridge_prints", text=ascii(self._lines.last_other))

    def _take(self, kind: int, number: int, body: bytes) -> None:
        if kind == cable.HELLO:
            self._hello(number, body)
        elif self.receiver is None:
            return  # what lay in the cable before we asked
        elif kind == cable.HEARD:
            self._heard(number, body)
        elif kind == cable.DONE:
            ((outcome,), _) = cable.split(cable.DONE_BODY, body)
            if self._commands and self._commands[0].number == number:
                self._commands.popleft()
                if outcome:
                    self.counts[f"not sent: {cable.OUTCOMES[outcome]}"] += 1
                self._say()
        elif kind == cable.STATE:
            self._state(body)
        self._heard_s = self._now_s()

    def _hello(self, number: int, body: bytes) -> None:
        version = body[0] if body else 0
        if version != cable.VERSION:
            self.counts["another version of the bridge's program"] += 1
            return
        (_, boot, takes, board, cause), _ = cable.split(cable.HELLO_BODY, body)
        if self.receiver is not None and boot == self._boot:
            return
        self._forget()
        if number not in self._asked:  # it has just started, or this lay in the cable
            self._ask()
            return
        self._takes, self._boot = takes, boot
        self.receiver, self.working = board.hex(), False  # until it says that its radio works
        if boot != self._told_boot:
            self._told, self._told_boot = {}, boot
            self.counts["bridge starts"] += 1
        log.info("bridge", bridge=self.receiver, reset_cause=cause)
        lora = self._lora
        channel = lora.frequency_khz, lora.spreading_factor, lora.bandwidth_khz
        self._command(cable.SETUP, struct.pack(cable.SETUP_BODY, *channel), math.inf)

    def _heard(self, number: int, body: bytes) -> None:
        fields, packet = cable.split(cable.HEARD_BODY, body)
        boot, age_ms, clock, rssi, snr, khz, sf, bw = fields
        self._write(cable.line(cable.TAKEN, number, struct.pack(cable.TAKEN_BODY, boot)))
        if boot != self._boot or (boot, number) == self._last:
            return
        if not packet or age_ms > AGE_MAX_MS or not 7 <= sf <= 12 or bw not in BANDWIDTHS_KHZ:
            raise ValueError("no packet")
        self._last = boot, number
        assert self.receiver is not None
        reception = Reception(self.receiver, rssi, snr / 4, clock, khz, sf, bw)
        self._receivers.heard(self, packet, reception, self._now_ms() - age_ms)

    def _state(self, body: bytes) -> None:
        (boot, working, _held, *counted), _ = cable.split(cable.STATE_BODY, body)
        if boot != self._boot:
            self._forget()  # it has started anew, and its HELLO was lost
            return
        self.working = bool(working)
        for name, count in zip(cable.COUNTS[:-1], counted, strict=False):
            if count > self._told.get(name, 0):
                self.counts[f"bridge: {name}"] += count - self._told.get(name, 0)
                self._told[name] = count

    # What it is told

    def _ask(self) -> None:
        self._asked_s = self._now_s()
        number = self._next()
        self._asked.add(number)
        self._write(cable.line(cable.ASK, number))

    def _next(self) -> int:
        self._number = self._number % 255 + 1  # 0 is that of a HELLO nobody asked for
        return self._number

    def _command(self, kind: int, body: bytes, within_s: float = GIVE_UP_S) -> None:
        if len(self._commands) >= QUEUE_MAX:
            self.counts["not sent: too many at once"] += 1
            return
        self._commands.append(_Command(kind, self._next(), body, self._now_s() + within_s))
        self._say()

    def _say(self) -> None:
        """Say the oldest command, if it is time to."""
        now_s = self._now_s()
        if self.receiver is not None and self._commands:
            command = self._commands[0]
            if not command.said_s or now_s - command.said_s > AGAIN_S:
                command.said_s = now_s
                self._write(cable.line(command.kind, command.number, command.body))

    def _forget(self) -> None:
        self.receiver = None
        self._boot = -1
        for command in self._commands:
            if command.kind == cable.SEND:
                self.counts["not sent: the bridge is gone"] += 1
        self._commands.clear()

    # As a group of receivers

    def deliver(self, uplink: Uplink) -> None:
        self._deliver(uplink)

    def lately(self, since_s: float) -> int:
        return int(self.receiver is not None and self._heard_s > since_s)

    def hindrance(self, receiver: str) -> str | None:
        if receiver != self.receiver:
            raise KeyError(receiver)
        return None if self.connected else "the bridge has no radio"

    def transmit(self, heard: Reception, frame: bytes, begin_us: int) -> None:
        lora = self._lora
        head = struct.pack(
            cable.SEND_BODY,
            self._boot,
            begin_us,
            lora.downlink_khz,
            heard.spreading_factor,
            heard.bandwidth_khz,
            min(lora.downlink_power_dbm, 22),
        )
        if len(cable.line(cable.SEND, 0, head + frame)) > self._takes:
            self.counts["not sent: too long for the cable"] += 1
            return
        self._command(cable.SEND, head + frame)
