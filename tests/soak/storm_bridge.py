"""The storm's USB bridge: the firmware's bridge program on a timeline, at a cable that can be pulled.

What of it waits is played by appointments: the radio's driver, and the bytes on their way along the cable.
The program is `node.bridge`, as it runs on the board; it talks to the gateway's own end of the cable.
"""
# mypy: disallow-untyped-calls=False

import importlib
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hardware.virtual.radio.medium import Antenna, Modulation, Reception
from hardware.virtual.radio.timeline import Timeline
from node.airtime import Airtime
from wire.bridge import BAUD

ID = bytes.fromhex("0000000000b41d6e")
POWER_ON = 1  # a reset cause, as the ESP32 has it
IDLE_S, BUSY_S = 1.0, 0.02  # between two turns of the program, without anything due and with
PROGRAM: Any = importlib.import_module("node.bridge")
_TICKS = 1 << 30


class Purse(Airtime):
    """Airtime whose purse is in a file of this machine."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)

    def start_cold(self, now_s: int, path: str = "") -> None:
        super().start_cold(now_s, self._path)

    def refill(self, now_s: int, path: str = "") -> None:
        super().refill(now_s, self._path)


class Packet(bytes):
    """What a radio heard; `snr` in quarters of a dB."""

    rssi: int
    snr: int


class Radio:
    """The modem as the program sees it. `woken` is called when it has heard something."""

    def __init__(self, antenna: Antenna, timeline: Timeline, woken: Callable[[], None]) -> None:
        self._antenna, self._timeline, self._woken = antenna, timeline, woken
        self._settings: dict[str, Any] = {}
        self._heard: list[Packet] = []
        self._packet = b""
        self._busy_until_s = 0.0
        self.begins_in_s = 0.0  # how long the program has slept before it says `start_send`
        self.crc_errors = 0
        antenna.on_packet = self._hear

    def standby(self) -> None:
        self._antenna.listen(None)

    def configure(self, settings: dict[str, Any]) -> None:
        self._settings |= settings

    def start_recv(self, timeout_ms: None, continuous: bool) -> None:
        channel = self._modulation(False)
        self._antenna.listen(lambda modulation: modulation == channel)

    def irq_triggered(self) -> bool:
        return bool(self._heard)

    def poll_recv(self) -> Packet | bool:
        return self._heard.pop(0) if self._heard else True

    def prepare_send(self, packet: bytes) -> None:
        self._packet = packet

    def start_send(self) -> None:
        modulation, packet, power_dbm = self._modulation(True), self._packet, self._settings["output_power"]
        self._busy_until_s = float("inf")

        def begin() -> None:
            self._busy_until_s = self._antenna.send(modulation, packet, power_dbm).end_s

        self._timeline.call_later(self.begins_in_s, begin)
        self.begins_in_s = 0.0

    def poll_send(self) -> bool | int:
        return self._timeline.monotonic_s() < self._busy_until_s or 1

    def _modulation(self, inverted: bool) -> Modulation:
        settings = self._settings
        return Modulation(settings["freq_khz"], settings["sf"], settings["bw"], inverted)

    def _hear(self, reception: Reception) -> None:
        if not reception.intact:
            self.crc_errors += 1
            return
        packet = Packet(reception.signal.payload)
        packet.rssi, packet.snr = round(reception.rssi_dbm), round(4 * min(reception.snr_db, 14.0))
        self._heard.append(packet)
        self._woken()


class StormBridge:
    """A bridge on the timeline. While it is plugged in it gets power, and says what it says to the gateway.

    There is one at a time: the program's `time` module is this one's until `close`.
    """

    def __init__(self, antenna: Antenna, timeline: Timeline, purse: Path, dice: random.Random) -> None:
        self.antenna = antenna
        self._timeline, self._purse, self._dice = timeline, purse, dice
        self._program: Any = None  # while it has power
        self._to_gateway: Callable[[bytes], None] = lambda content: None
        self._free_s = {False: 0.0, True: 0.0}  # when the cable's two directions are free again
        self._due = False
        self._radio: Radio | None = None
        self._time = PROGRAM.time
        PROGRAM.time = SimpleNamespace(ticks_ms=self._ticks, ticks_diff=_apart, sleep_ms=self._sleep)

    def plug(self, to_gateway: Callable[[bytes], None]) -> None:
        """Give it power; it starts anew, with its airtime from the purse."""
        self._to_gateway = to_gateway
        airtime = Purse(self._purse)
        airtime.start_cold(self._now_s())
        self._radio = None
        self._program = PROGRAM.Bridge(
            self._open_radio, airtime, self._now_s, lambda: None, lambda line: self._carry(line, up=True),
            self._dice.randrange(1 << 16), ID, POWER_ON,
        )  # fmt: skip
        self._turn_again(self._program)

    def unplug(self) -> None:
        """Pull the cable: no power, and what it held is gone."""
        self._program = None
        self.antenna.listen(None)

    def take(self, content: bytes) -> None:
        """Take what the gateway writes."""
        self._carry(content, up=False)

    def close(self) -> None:
        self.unplug()
        PROGRAM.time = self._time

    def _now_s(self) -> int:
        return int(self._timeline.monotonic_s())

    def _open_radio(self, settings: dict[str, Any]) -> Radio:
        self._radio = Radio(self.antenna, self._timeline, self._turn)
        self._radio.configure(settings)
        return self._radio

    def _carry(self, content: bytes, *, up: bool) -> None:
        """Let `content` arrive at the other end, after what is on its way there already."""
        now_s, program = self._timeline.monotonic_s(), self._program
        self._free_s[up] = max(now_s, self._free_s[up]) + 10 * len(content) / BAUD

        def arrive() -> None:
            if program is None or program is not self._program:
                return  # the cable was pulled
            if up:
                self._to_gateway(content)
            else:
                program.received(content)
                self._turn()

        self._timeline.call_later(self._free_s[up] - now_s, arrive)

    def _turn(self) -> None:
        """Let the program go round, and again soon while something of it is under way."""
        program = self._program
        if program is None:
            return
        program.turn()
        if (program._planned or program._sending) and not self._due:
            self._due = True
            self._timeline.call_later(BUSY_S, self._due_turn)

    def _due_turn(self) -> None:
        self._due = False
        self._turn()

    def _turn_again(self, program: object) -> None:
        if program is self._program:
            self._turn()
            self._timeline.call_later(IDLE_S, lambda: self._turn_again(program))

    # What the program takes for MicroPython's time

    def _ticks(self) -> int:
        return int(self._timeline.monotonic_s() * 1000) % _TICKS

    def _sleep(self, ms: int) -> None:
        """It sleeps only before it sends: what follows begins so much later."""
        assert self._radio is not None
        self._radio.begins_in_s = ms / 1000


def _apart(end: int, start: int) -> int:
    return (end - start + _TICKS // 2) % _TICKS - _TICKS // 2
