"""Two hundred nodes on the air of one process: the node's own policy and formats, the gateway's own ingest.

Time is a timeline: a day takes minutes. What of the firmware waits (the driver, the carrier's receive window)
is played here by appointments; the conversation, the backlog, the airtime and the frames are the node's.
"""
# mypy: disallow-untyped-calls=False

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from device_configs.radio_schema import Lora
from gateway.carriers.concentrators import Forwarders
from gateway.carriers.duty import Duty
from gateway.carriers.receivers import Receivers
from gateway.ingest import Ingest
from gateway.model import Downlink, StoredRecord, Uplink
from gateway.store import STORE_NAME, Store
from hardware.virtual.radio.forwarder import Protocol
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception
from hardware.virtual.radio.timeline import Timeline
from node.airtime import Airtime
from node.backlog import Backlog
from node.carriers.lora import EARLY_MS, LATE_MS
from node.clock import Clock
from node.identity import Identity
from node.lora_talk import Habits, converse
from node.retained import Retained
from node.uplink import Uplink as NodeUplink
from wire.airtime import FRAME_MAX, airtime_ms, header_ms, sub_band

SCHEMA, QUANTITIES = 1, (1, 1, 3, 3, 4)
TX_MA, RX_MA, WAIT_MA = 45.0, 6.0, 0.8  # an SX1262 at 14 dBm, its receiver, an ESP32 in light sleep
GATEWAY_ID = b"soak"
EUI = bytes(range(8))  # of the concentrator
TURN_S = 0.02  # what arrives within this goes into one commit


class NodeClock(Clock):
    """The node's RC clock: `drift` seconds too many in each second."""

    def __init__(self, state: Any, timeline: Timeline, drift: float) -> None:
        super().__init__(state)
        self._timeline, self._drift = timeline, drift
        self._zero_s = timeline.monotonic_s()

    def now_ms(self) -> int:
        return int((self._timeline.monotonic_s() - self._zero_s) * (1 + self._drift) * 1000)

    def ticks(self) -> int:
        return self.now_ms()

    def elapsed_ms(self, mark: int) -> int:
        return self.now_ms() - mark


class SavedIdentity(Identity):
    """An identity whose flash is this object."""

    def save(self) -> None:
        pass


class Node:
    """One node. `measured` has (UTC ms, values) by sequence; `charge_mc` is what its radio took."""

    schema: int = SCHEMA
    quantities: tuple[int, ...] = QUANTITIES

    def __init__(self, number: int, town: "Town", folder: Path, rng: random.Random) -> None:
        self.number, self._town, self._rng, self._folder = number, town, rng, folder
        folder.mkdir()
        self.key = rng.randbytes(16)
        self.measured: list[tuple[int, tuple[int | None, ...]]] = []
        self.sendings = 0
        self.charge_mc = 0.0
        self.antenna = Antenna(f"node {number}", town.medium, town.place(rng))
        self.antenna.on_header, self.antenna.on_packet = self._header, self._packet
        self._identity = SavedIdentity(self.key)
        self._queue: list[tuple[bytes, int]] = []
        self._talk: Iterator[int] | None = None
        self._window = 0  # number of the receive window that is open or awaited
        self._deadline = False
        self.boot()

    def boot(self) -> None:
        """Power comes: RTC memory is lost, flash is not."""
        self._talk, self._queue = None, []
        self._state = state = Retained()
        identity = self._identity
        identity.boots += 1
        state.clock = identity.boots % 255 + 1
        state.counter = state.reserved = identity.reserved
        self._clock = NodeClock(state, self._town.timeline, self._rng.uniform(-2e-3, 2e-3))
        self._backlog = Backlog(state, len(self.quantities), 60, directory=str(self._folder / "log"))
        self._backlog.recover(self._rng.randbytes)
        self._uplink = NodeUplink(
            self.number, self.schema, self.quantities, identity, state, self._backlog, self._clock
        )
        self._airtime, self._habits = Airtime(), Habits()
        self._airtime.start_cold(0, str(self._folder / "purse"))
        self._turn = self._town.timeline.call_later(self._rng.uniform(0, self.interval_s), self.wake)

    @property
    def interval_s(self) -> int:
        return self._town.interval_s

    @property
    def epoch(self) -> int:
        return int(self._state.epoch)

    def power_off(self) -> None:
        self._turn.cancel()
        self._talk, self._queue = None, []
        self.antenna.listen(None)
        self._window += 1

    def power_cut(self) -> None:
        self.power_off()
        self.boot()

    def wake(self) -> None:
        """Measure, store, and begin to talk."""
        interval_s = self.interval_s
        jitter_s = self._rng.uniform(-0.5, 0.5) * interval_s / 64
        self._turn = self._town.timeline.call_later(interval_s + jitter_s, self.wake)
        if self._town.measuring:
            values, quality = self.sample()
            stamp_s, clock = self._clock.stamp()
            self._backlog.append([(stamp_s, clock, values, quality)])
            self.measured.append((self._town.timeline.utc_ms(), values))
        self._airtime.refill(self._now_s(), str(self._folder / "purse"))
        self._talk = self._conversation()
        self._go_on(None)

    def sample(self) -> tuple[tuple[int | None, ...], tuple[int, ...]]:
        """Return values and quality."""
        return tuple(9000 + self._rng.randrange(200) for _ in self.quantities), (0,) * len(self.quantities)

    def _conversation(self) -> Iterator[int]:
        talk: Iterator[int] = converse(
            self._uplink, self._state, self._clock, self, self._status, self._habits
        )
        return talk

    def _status(self) -> bytes:
        return bytes(self._uplink.status([1], b"hash", 3600))

    def _now_s(self) -> int:
        return int(self._clock.now_ms() // 1000)

    def _go_on(self, frame: bytes | None) -> None:
        talk = self._talk
        if talk is None:
            return
        try:
            talk.send(frame) if frame is not None else next(talk)  # type: ignore[attr-defined]
        except StopIteration:
            self._talk = None
            self.sendings += sum(last - first + 1 for first, last in self._uplink._sent)

    # What the conversation takes for its carrier

    answer_ms = 0

    def use_slow(self, slow: bool) -> None:
        lora = self._town.lora
        self._sf = (lora.fallback_spreading_factor if slow else None) or lora.spreading_factor
        self.frame_max = FRAME_MAX[self._sf]

    def _spare(self) -> list[int]:
        lora, now_s = self._town.lora, self._now_s()
        return [self._airtime.spare_ms(sub_band(khz), now_s) for khz in lora.uplinks_khz]

    def room(self, size: int = 0) -> int:
        size = size or self.frame_max
        return size if airtime_ms(size, self._sf) <= max(self._spare()) else 0

    def frames(self, permille: int, most_ms: int) -> int:
        each = airtime_ms(self.frame_max, self._sf)
        return min(max(self._spare()) * permille // 1000 // each, max(1, most_ms // each))

    def send(self, frame: bytes) -> None:
        ms = airtime_ms(len(frame), self._sf)
        free = [
            khz for khz, spare in zip(self._town.lora.uplinks_khz, self._spare(), strict=True) if spare >= ms
        ]
        khz = self._rng.choice(free)
        self._airtime.spend(sub_band(khz), self._now_s(), ms)
        self._queue.append((frame, khz))
        if len(self._queue) == 1:
            self._transmit()

    def _transmit(self) -> None:
        frame, khz = self._queue[0]
        signal = self.antenna.send(Modulation(khz, self._sf), bytes(frame), self._town.lora.power_dbm)
        airtime_s = signal.end_s - signal.start_s
        self.charge_mc += TX_MA * airtime_s
        self._town.timeline.call_later(airtime_s, self._for_window(self._sent))

    def _sent(self) -> None:
        self._queue.pop(0)
        if self._queue:
            self._transmit()
        elif self._talk is not None:
            self._town.timeline.call_later(
                (self._town.lora.answer_delay_ms - EARLY_MS) / 1000, self._for_window(self._listen)
            )

    def _for_window(self, call: Any) -> Any:
        mark = self._window
        return lambda: mark == self._window and call()

    def _listen(self) -> None:
        downlink = Modulation(self._town.lora.downlink_khz, self._sf, inverted=True)
        self.antenna.listen(lambda modulation: modulation == downlink)
        self._deadline = True
        window_s = (EARLY_MS + LATE_MS + header_ms(self._sf)) / 1000
        self.charge_mc += RX_MA * window_s + WAIT_MA * self._town.lora.answer_delay_ms / 1000
        self._town.timeline.call_later(window_s, self._for_window(self._over))

    def _over(self) -> None:
        if self._deadline:
            self._close(None)

    def _header(self, _: object) -> None:
        self._deadline = False

    def _packet(self, heard: Reception) -> None:
        self.charge_mc += RX_MA * (heard.signal.end_s - heard.signal.header_s)
        self._close(heard.signal.payload if heard.intact else None)

    def _close(self, frame: bytes | None) -> None:
        self.antenna.listen(None)
        self._window += 1
        self._go_on(frame)


class Concentrator(Protocol):
    """Its datagrams go straight to the gateway, while there is one."""

    def __init__(self, town: "Town") -> None:
        self._town = town
        super().__init__(EUI, town.medium, channels_khz=town.lora.uplinks_khz)

    def transmit(self, datagram: bytes) -> None:
        if self._town.forwarders is not None:
            self._town.forwarders.datagram(datagram, ("127.0.0.1", 1))


class Town:
    """Nodes, air and gateway. `run_hours` lets time pass; while not `measuring` nodes only talk."""

    schemas: Mapping[int, tuple[int, ...]] = {SCHEMA: QUANTITIES}

    def __init__(
        self, folder: Path, seed: int, nodes: int, lora: Lora, interval_s: int = 600,
        timeline: Timeline | None = None,
    ) -> None:  # fmt: skip
        self.lora, self.interval_s, self.measuring = lora, interval_s, True
        self.timeline = timeline or Timeline()
        self.medium = Medium(self.timeline, seed=seed)
        self._loop = asyncio.new_event_loop()
        self.state = folder
        self._store: Store | None = None
        self.forwarders: Forwarders | None = None
        self.counts: Counter[str] = Counter()
        self._duty = Duty(lora.downlink_khz, lora.bandwidth_khz, lambda: self.timeline.utc_ms() // 1000)
        self._concentrator = Concentrator(self)
        rng = random.Random(seed)
        self.nodes = [
            self.new_node(i, folder / str(i), random.Random(rng.random())) for i in range(1, nodes + 1)
        ]
        self.start_gateway()

    def new_node(self, number: int, folder: Path, rng: random.Random) -> Node:
        return Node(number, self, folder, rng)

    def keys(self) -> dict[int, bytes]:
        return {node.number: node.key for node in self.nodes}

    def now_ms(self) -> int:
        """The gateway's UTC."""
        return self.timeline.utc_ms()

    def answer(self, forwarders: Forwarders, downlinks: Sequence[Downlink]) -> None:
        forwarders.send(downlinks)

    def place(self, rng: random.Random) -> tuple[float, float]:
        return rng.uniform(-2000, 2000), rng.uniform(-2000, 2000)

    def start_gateway(self) -> None:
        self._store = store = Store.open(self.state / STORE_NAME, self.now_ms)
        ingest = self.ingest = Ingest(
            store, keys=self.keys(), schemas=self.schemas, gateway_id=GATEWAY_ID, now_ms=self.now_ms
        )
        inbox: list[Uplink] = []

        def work() -> None:
            batch, inbox[:] = list(inbox), []
            if batch and forwarders is self.forwarders:
                self.answer(forwarders, self._loop.run_until_complete(ingest.accept(batch)))

        def deliver(uplink: Uplink) -> None:
            inbox.append(uplink)
            if len(inbox) == 1:
                self.timeline.call_later(TURN_S, work)

        self.deliver = deliver
        timeline, now_s, now_ms = self.timeline, self.timeline.monotonic_s, self.timeline.utc_ms
        self.receivers = Receivers(
            self.lora, self._duty, later=timeline.call_later, now_s=now_s, now_ms=now_ms
        )
        forwarders = self.forwarders = Forwarders(
            self.lora,
            self.receivers,
            deliver=deliver,
            transmit=lambda datagram, _: self._concentrator.datagram(datagram),
            now_s=now_s,
        )
        self.refusals = ingest.totals
        self._concentrator.concentrator.start()
        self._pull(forwarders)

    def _pull(self, forwarders: Forwarders) -> None:
        if forwarders is self.forwarders:
            self._concentrator.pull()
            self.timeline.call_later(30, lambda: self._pull(forwarders))

    def stop_gateway(self) -> None:
        """The power of the gateway fails: what it heard and has not stored is gone."""
        assert self._store is not None
        assert self.forwarders is not None
        self._concentrator.concentrator.stop()
        self.counts.update(self.forwarders.counts)
        self.forwarders = None
        self._loop.run_until_complete(self._store.close())
        self._store = None

    def run_hours(self, hours: float) -> None:
        self.timeline.run_until(self.timeline.monotonic_s() + hours * 3600)

    def stored(self) -> list[StoredRecord]:
        assert self._store is not None
        return self._store.after(0, 1 << 40)

    def close(self) -> None:
        if self._store is not None:
            self.stop_gateway()
        self._loop.close()
