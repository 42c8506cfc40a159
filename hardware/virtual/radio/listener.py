"""The radio of a virtual bench: an antenna on the air, behind a loss that can be set."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial

from device_configs.radio_schema import Lora
from gateway.carriers.duty import Duty
from gateway.carriers.receivers import TICKS, Receivers
from gateway.model import Downlink, Uplink
from gateway.model import Reception as GatewayReception
from hardware.listener import Listener, nearest_db
from hardware.virtual.clock import BoardClock
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception

NAME = "bench radio"
FIXED_DB = 30.0  # what a real bench has in pads and cables, or its receiver would be overdriven
STEP_DB, MOST_DB = 0.25, 124.75


class VirtualAttenuator:
    """The loss of one link of a medium, `fixed_db` and more."""

    step_db, most_db = STEP_DB, MOST_DB

    def __init__(self, medium: Medium, one: str, other: str, fixed_db: float) -> None:
        self._losses_db, self._link = medium.losses_db, (min(one, other), max(one, other))
        self._fixed_db = fixed_db
        self._losses_db[self._link] = fixed_db

    async def set(self, db: float) -> float:
        found = nearest_db(self, db)
        self._losses_db[self._link] = self._fixed_db + found
        return found


class VirtualRadio(Listener):
    """`board` is the antenna of the board under test. Without `attenuator` there is the fixed loss alone."""

    def __init__(self, board: Antenna, clock: BoardClock, *, attenuator: bool = True) -> None:
        medium = board.medium
        loss = VirtualAttenuator(medium, board.name, NAME, FIXED_DB)
        super().__init__(clock, FIXED_DB, loss if attenuator else None)
        self.counts: Counter[str] = Counter()
        self._board_clock = clock
        self._antenna = Antenna(NAME, medium)
        self._antenna.on_packet = self._packet
        self._lora: Lora | None = None
        self._receivers: Receivers | None = None
        self._holds = False

    async def listen(self, lora: Lora) -> None:
        clock = self._board_clock
        duty = Duty(lora.downlink_khz, lora.bandwidth_khz, lambda: clock.utc_ms() // 1000)
        self._lora = lora
        self._receivers = Receivers(
            lora, duty, later=clock.call_later, now_s=clock.monotonic_s, now_ms=clock.utc_ms
        )
        self._receivers.join(self)
        wanted = Modulation(lora.frequency_khz, lora.spreading_factor, lora.bandwidth_khz)
        self._antenna.listen(lambda modulation: modulation == wanted)

    async def close(self) -> None:
        self._antenna.listen(None)
        self._at_work(False)

    def _packet(self, reception: Reception) -> None:
        if not reception.intact or self._receivers is None:
            return
        at, signal = reception.signal.modulation, reception.signal
        heard = GatewayReception(
            NAME,
            round(reception.rssi_dbm),
            round(4 * reception.snr_db) / 4,
            self._ticks(),
            at.frequency_khz,
            at.sf,
            at.bw_khz,
        )
        self._receivers.heard(self, signal.payload, heard)

    def _ticks(self) -> int:
        return math.floor(self._board_clock.monotonic_s() * 1e6) % TICKS

    async def _send(self, downlinks: Sequence[Downlink]) -> None:
        assert self._receivers is not None  # whoever answers has heard something
        self._receivers.send(self, downlinks)

    def _at_work(self, yes: bool) -> None:
        """The clock may not jump over the time in which a gateway writes to its disk."""
        if yes != self._holds:
            self._holds = yes
            if yes:
                self._board_clock.hold()
            else:
                self._board_clock.release()

    # As a group of receivers

    def deliver(self, uplink: Uplink) -> None:
        self._deliver(uplink)

    def lately(self, since_s: float) -> int:
        return 1

    def hindrance(self, receiver: str) -> str | None:
        if receiver != NAME:
            raise KeyError(receiver)
        return None

    def transmit(self, heard: GatewayReception, frame: bytes, begin_us: int) -> None:
        assert self._lora is not None
        ahead_us = (begin_us - self._ticks() + TICKS // 2) % TICKS - TICKS // 2
        if ahead_us < 0:
            self.counts["not sent: too late"] += 1
            return
        answer = Modulation(
            self._lora.downlink_khz, heard.spreading_factor, heard.bandwidth_khz, inverted=True
        )
        send = partial(self._antenna.send, answer, frame, self._lora.downlink_power_dbm)
        self._board_clock.call_later(ahead_us / 1e6, lambda: (send(), None)[1])
