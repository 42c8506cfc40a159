"""The air: who hears what is sent, how strongly, and what of it collides. Deterministic from its seed."""

import math
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from hardware.virtual.clock import Appointment
from hardware.virtual.radio import physics

_PREAMBLE_NEEDED = 5  # symbols of the preamble a receiver has to have heard
_FORGET_S = 20.0  # signals that ended this long ago collide with nothing that is still to come
SUB_BANDS_KHZ = (
    (863_000, 865_000),
    (865_000, 868_000),
    (868_000, 868_600),
    (868_700, 869_200),
    (869_400, 869_650),
    (869_700, 870_000),
)


class AirClock(Protocol):
    """The clock all radios of a medium share: a board's, or a timeline."""

    def monotonic_s(self) -> float: ...

    def call_later(self, seconds: float, call: Callable[[], None]) -> Appointment: ...


@dataclass(frozen=True, slots=True)
class Modulation:
    """How a packet is sent. Downlinks have their IQ inverted, so that nodes do not hear one another."""

    frequency_khz: int
    sf: int
    bw_khz: int = 125
    inverted: bool = False


@dataclass(slots=True, eq=False)
class Signal:
    """A packet on the air. A receiver that listens by `lock_s` gets it; `header_s`: its header is over."""

    sender: "Antenna"
    modulation: Modulation
    power_dbm: float
    payload: bytes
    number: int
    start_s: float
    end_s: float
    lock_s: float
    header_s: float
    levels_dbm: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reception:
    """What a receiver makes of a signal; `intact` False: the CRC is wrong."""

    signal: Signal
    rssi_dbm: float
    snr_db: float
    intact: bool


def _ignore(_: object) -> None:
    pass


class Antenna:
    """A radio's place on the medium. It hears one packet at a time, a concentrator up to `demodulators`."""

    def __init__(
        self,
        name: str,
        medium: "Medium",
        position_m: tuple[float, float] = (0.0, 0.0),
        *,
        gain_dbi: float = 0.0,
        demodulators: int = 1,
    ) -> None:
        self.name = name
        self.medium = medium
        self.position_m = position_m
        self.gain_dbi = gain_dbi
        self.demodulators = demodulators
        self.sending_until_s = -math.inf
        self.accepts: Callable[[Modulation], bool] | None = None
        self.on_header: Callable[[Signal], None] = _ignore
        self.on_packet: Callable[[Reception], None] = _ignore
        self.locked: set[Signal] = set()
        self._since_s = math.inf
        medium.antennas[name] = self

    def listen(self, accepts: Callable[[Modulation], bool] | None) -> None:
        """Listen from now on to what `accepts`; None: to nothing. What is being received is lost."""
        self.accepts = accepts
        self._since_s = self.medium.clock.monotonic_s()
        self.locked.clear()

    def send(self, modulation: Modulation, payload: bytes, power_dbm: float) -> Signal:
        """Put a packet on the air; a radio does not hear anything meanwhile."""
        self.locked.clear()
        signal = self.medium.transmit(self, modulation, payload, power_dbm)
        self.sending_until_s = signal.end_s
        self._since_s = max(self._since_s, signal.end_s) if self.accepts else math.inf
        return signal

    def could_hear(self, signal: Signal) -> bool:
        if self.accepts is None or not self.accepts(signal.modulation):
            return False
        return self._since_s <= signal.lock_s and len(self.locked) < self.demodulators


class Medium:
    """`losses_db` gives links of their own a loss: (name, name) in alphabetical order -> dB.

    All others follow the log-distance model with `exponent` and shadowing of `shadow_db` (standard deviation,
    fixed for each link); each packet varies by `fading_db` on top.
    """

    def __init__(
        self,
        clock: AirClock,
        *,
        seed: int = 1,
        exponent: float = 2.9,
        shadow_db: float = 6.0,
        fading_db: float = 1.5,
        losses_db: dict[tuple[str, str], float] | None = None,
    ) -> None:
        self.clock = clock
        self.antennas: dict[str, Antenna] = {}
        self.sent: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        self.outcomes: dict[str, int] = defaultdict(int)
        self._seed = seed
        self._exponent, self._shadow_db, self._fading_db = exponent, shadow_db, fading_db
        self.losses_db = dict(losses_db or {})
        self._links: dict[tuple[str, str], float] = {}
        self._signals: list[Signal] = []
        self._number = 0

    # Sending

    def transmit(self, sender: Antenna, modulation: Modulation, payload: bytes, power_dbm: float) -> Signal:
        now_s = self.clock.monotonic_s()
        symbol_s = physics.symbol_s(modulation.sf, modulation.bw_khz)
        airtime_s = physics.airtime_s(len(payload), modulation.sf, modulation.bw_khz)
        self._number += 1
        signal = Signal(
            sender, modulation, power_dbm, payload, self._number, now_s, now_s + airtime_s,
            now_s + (8 - _PREAMBLE_NEEDED) * symbol_s, now_s + 20.25 * symbol_s,
        )  # fmt: skip
        self._signals = [s for s in self._signals if s.end_s > now_s - _FORGET_S]
        self._signals.append(signal)
        self.sent[sender.name, sub_band(modulation.frequency_khz)].append((now_s, airtime_s))
        self.clock.call_later(signal.header_s - now_s, partial(self._header, signal))
        self.clock.call_later(signal.end_s - now_s, partial(self._end, signal))
        return signal

    # Receiving

    def _header(self, signal: Signal) -> None:
        for antenna in self.antennas.values():
            if antenna is signal.sender or not antenna.could_hear(signal):
                continue
            if self._snr_db(signal, antenna) < physics.SNR_LIMIT_DB[signal.modulation.sf]:
                self.outcomes["too weak"] += 1
            elif not self._clean(signal, antenna, signal.header_s):
                self.outcomes["collided in its header"] += 1
            else:
                antenna.locked.add(signal)
                antenna.on_header(signal)

    def _end(self, signal: Signal) -> None:
        for antenna in list(self.antennas.values()):
            if signal not in antenna.locked:
                continue
            antenna.locked.discard(signal)
            intact = self._clean(signal, antenna, signal.end_s)
            self.outcomes["received" if intact else "collided"] += 1
            rssi = self.level_dbm(signal, antenna)
            antenna.on_packet(Reception(signal, rssi, self._snr_db(signal, antenna), intact))

    def _clean(self, signal: Signal, antenna: Antenna, until_s: float) -> bool:
        """Whether nothing on the channel spoiled the signal between its lock and `until_s`."""
        mine, level = signal.modulation, self.level_dbm(signal, antenna)
        for other in self._signals:
            if other is signal or other.start_s >= until_s or other.end_s <= signal.lock_s:
                continue
            theirs = other.modulation
            apart_khz = abs(theirs.frequency_khz - mine.frequency_khz)
            if apart_khz * 2 >= theirs.bw_khz + mine.bw_khz:
                continue
            if other.sender is antenna:
                return False
            # Of the other IQ polarity or bandwidth it is noise, about as a foreign spreading factor.
            alike = theirs.inverted == mine.inverted and theirs.bw_khz == mine.bw_khz
            other_sf = theirs.sf if alike else (12 if mine.sf != 12 else 7)
            if not physics.survives(level, mine.sf, self.level_dbm(other, antenna), other_sf):
                return False
        return True

    def level_dbm(self, signal: Signal, antenna: Antenna) -> float:
        """How strongly an antenna gets a signal."""
        level = signal.levels_dbm.get(antenna.name)
        if level is None:
            fading = random.Random(f"{self._seed} {signal.number} {antenna.name}").gauss(0, self._fading_db)  # noqa: S311
            gains = signal.sender.gain_dbi + antenna.gain_dbi
            level = signal.power_dbm + gains - self.loss_db(signal.sender, antenna) + fading
            signal.levels_dbm[antenna.name] = level
        return level

    def _snr_db(self, signal: Signal, antenna: Antenna) -> float:
        return self.level_dbm(signal, antenna) - physics.noise_dbm(signal.modulation.bw_khz)

    def loss_db(self, one: Antenna, other: Antenna) -> float:
        """Loss of a link, the same in both directions."""
        key = (min(one.name, other.name), max(one.name, other.name))
        if key in self.losses_db:
            return self.losses_db[key]
        if key not in self._links:
            shadow = random.Random(f"{self._seed} {key}").gauss(0, self._shadow_db)  # noqa: S311
            distance = math.dist(one.position_m, other.position_m)
            self._links[key] = physics.path_loss_db(distance, self._exponent) + shadow
        return self._links[key]

    # Judging

    def busiest_hour_s(self, sender: str, band: int) -> float:
        """The most seconds a radio was on the air in a sub-band in any 3600 s."""
        return physics.busiest_hour_s(self.sent.get((sender, band), []))


def sub_band(frequency_khz: int) -> int:
    """Index of the sub-band in SUB_BANDS_KHZ. ValueError where nothing may be sent."""
    for i, (low, high) in enumerate(SUB_BANDS_KHZ):
        if low <= frequency_khz <= high:
            return i
    raise ValueError(f"{frequency_khz} kHz lies in no sub-band that may be used")
