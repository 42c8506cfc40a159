"""What a bench's radios have in common, real or virtual: a log of what was heard, and a gateway's way to it.

The way is a carrier like any other, so the gateway of a test is the project's own from there on. It can come
and go while the radio goes on listening.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from gateway.carriers import Carrier
from gateway.model import Downlink, Uplink
from hardware.protocols import Attenuator, HeardFrame, InstrumentError
from hardware.virtual.clock import Clock

Send = Callable[[Sequence[Downlink]], Awaitable[None]]


def nearest_db(attenuator: Attenuator, db: float) -> float:
    """Return what comes nearest to `db` of what it can set. Raises InstrumentError beyond its range."""
    if not 0 <= db <= attenuator.most_db:
        most_db = f"{attenuator.most_db:g}"
        raise InstrumentError(f"{db:g} dB can not be set: the attenuator goes from 0 to {most_db} dB")
    return round(db / attenuator.step_db) * attenuator.step_db


class Way:
    """A gateway's carrier. `at_work(True)`: the gateway has something in hands, False: no more."""

    name = "lora"
    connected = True

    def __init__(self, send: Send, at_work: Callable[[bool], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._send, self._at_work = send, at_work
        self._inbox: asyncio.Queue[Uplink] = asyncio.Queue()
        self._open = False

    def put(self, uplink: Uplink) -> None:
        """Hand over what was heard; nobody gets it while no gateway is there."""
        if self._open:
            self._at_work(True)
            self._inbox.put_nowait(uplink)

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        """Yield what has arrived since the last time, at least one; for ever."""
        self._open = True
        try:
            while True:
                batch = [await self._inbox.get()]
                while not self._inbox.empty():
                    batch.append(self._inbox.get_nowait())
                yield batch
                # Whoever asks for the next has stored this one, and has said what is to be answered.
                self._at_work(not self._inbox.empty())
        finally:
            self._open = False
            self._at_work(False)

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        """Send `downlinks` in their receive windows."""
        await self._send(downlinks)


class Listener:
    """Takes uplinks as a group of receivers delivers them. `clock` is the bench's."""

    def __init__(self, clock: Clock, fixed_db: float, attenuator: Attenuator | None) -> None:
        self.fixed_db, self.attenuator = fixed_db, attenuator
        self.losses: list[tuple[int, float]] = []
        self._clock = clock
        self._heard: list[HeardFrame] = []
        self._way: Way | None = None

    def heard(self) -> Sequence[HeardFrame]:
        return list(self._heard)

    async def attenuate(self, db: float) -> float:
        if self.attenuator is None:
            raise InstrumentError("this bench has no attenuator: write one into its file")
        found = await self.attenuator.set(db)
        self.losses.append((self._clock.utc_ms(), found))
        return found

    def carrier(self) -> Carrier:
        self._way = Way(self._send, self._at_work)
        return self._way

    def _deliver(self, uplink: Uplink) -> None:
        (at,) = uplink.receptions
        self._heard.append(
            HeardFrame(
                uplink.received_at_ms,
                at.frequency_khz,
                at.spreading_factor,
                at.bandwidth_khz,
                at.rssi_dbm,
                at.snr_db,
                uplink.frame,
            )
        )
        if self._way is not None:
            self._way.put(uplink)

    async def _send(self, downlinks: Sequence[Downlink]) -> None:
        raise NotImplementedError

    def _at_work(self, yes: bool) -> None:
        """A gateway begins or ends to work; only a virtual clock has to know."""
