"""The gateway of the rig's tests: the project's own, in this process, behind a real Mosquitto."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from device_configs.compile import schemas
from gateway.app import Gateway, Settings
from gateway.carriers import Carrier
from gateway.carriers.mqtt import Broker, MqttCarrier
from gateway.model import StoredRecord, Uplink
from gateway.store import STORE_NAME, Reader, Store
from hardware.rig import Bench
from tools.servers import HOST, Mosquitto, free_port
from tools.update.carry import Offers
from wire.frame import DATA, parse_header
from wire.records import decode
from wire.seal import uplink_cipher

KEY = bytes(range(16))
_LOOK_S = 0.05


class RecordingCarrier(MqttCarrier):
    """Keeps each frame that arrives, for the report: (UTC ms, frame)."""

    def __init__(self, site: str, broker: Broker, bench: Bench, heard: list[tuple[int, bytes]]) -> None:
        super().__init__(site, broker, now_ms=bench.clock.utc_ms)
        self._heard_before = heard

    def _uplink(self, message: Any) -> Uplink | None:
        uplink: Uplink | None = super()._uplink(message)
        if uplink is not None:
            self._heard_before.append((uplink.received_at_ms, uplink.frame))
        return uplink


class RigGateway:
    """`port` is where nodes find the broker; the gateway has a listener of its own."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder, self._clock, self._bench = folder, bench.clock, bench
        self.heard: list[tuple[int, bytes]] = []
        self._site, self._node = bench.site.only(bench.node.id), bench.node
        network = bench.file.network
        self.port = network.port or free_port()
        self._inner_port = free_port()
        lines = [f"listener {self.port} {network.host}"]
        self._broker = Mosquitto(folder / "mosquitto", self._inner_port, settings=lines)
        self._running: asyncio.Task[None] | None = None
        self._carrier = self._new_carrier()
        self._stop = asyncio.Event()

    async def start_broker(self) -> None:
        await asyncio.to_thread(self._broker.start)
        while self._running and not self._carrier.connected:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.01)

    async def stop_broker(self) -> None:
        await asyncio.to_thread(self._broker.stop)

    async def start(self) -> None:
        self._stop = asyncio.Event()
        self._carrier = self._new_carrier()
        self._running = asyncio.create_task(self._serve(self._carrier))
        while not self._carrier.connected:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.01)

    def _new_carrier(self) -> Carrier:
        broker = Broker(HOST, self._inner_port)
        return RecordingCarrier(self._site.id, broker, self._bench, self.heard)

    async def stop(self) -> None:
        if self._running:
            self._stop.set()
            await self._running
            self._running = None

    async def _serve(self, carrier: Carrier) -> None:
        now_ms = self._clock.utc_ms
        broker, site = Broker(HOST, self._inner_port), self._site
        keys = {self._node.id: KEY}
        settings = Settings(site.id, site.gateway_id, keys, schemas(site), self._folder, broker)
        store = Store.open(self._folder / STORE_NAME, now_ms)
        gateway = Gateway(settings, store, now_ms=now_ms, trusted=lambda: True, carriers=[carrier])
        try:
            await gateway.run(self._stop)
        finally:
            await store.close()

    @asynccontextmanager
    async def overheard(self) -> AsyncIterator[list[bytes]]:
        """All frames that the node sends meanwhile, whether or not the gateway is there."""
        frames: list[bytes] = []

        async def listen(client: aiomqtt.Client) -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                frames.append(message.payload)

        async with aiomqtt.Client(HOST, self._inner_port) as client:
            await client.subscribe(f"sn/{self._site.id}/{self._node.id}/up")
            listening = asyncio.create_task(listen(client))
            try:
                yield frames
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    @asynccontextmanager
    async def offers(self) -> AsyncIterator[Offers]:
        """A way to put updates onto the broker."""
        async with Offers(self._site.id, Broker(HOST, self._inner_port)) as made:
            yield made

    def sequences(self, frames: Iterable[bytes]) -> list[int]:
        """Return the sequence of each record in these frames, as often as it was sent."""
        cipher, known = uplink_cipher(KEY), schemas(self._site)
        found: list[int] = []
        for frame in frames:
            header = parse_header(frame)
            if header.type == DATA:
                found += [record.seq for record in decode(header.flags, cipher.open(frame), known).records]
        return found

    # What a test asks

    def _reader(self) -> Reader:
        return Reader.open(self._folder / STORE_NAME)

    def stored(self) -> list[StoredRecord]:
        """Return every record of the node in the store, in the order in which they came."""
        with self._reader() as reader:
            return [record for record in reader.after(0, 100_000) if record.node == self._node.id]

    def records(self) -> dict[int, tuple[int | None, ...]]:
        """Return the values of every record by sequence. All have to be of one epoch."""
        found = self.stored()
        assert len({record.epoch for record in found}) <= 1, "the node began anew: its backlog was lost"
        return {record.seq: tuple(record.values) for record in found}

    def newest(self) -> dict[str, int | None]:
        """Return the raw values of the record with the highest sequence, by channel."""
        values = max(self.records().items())[1]
        return {c.name: value for c, value in zip(self._node.profile.channels, values, strict=True)}

    def refused(self) -> dict[str, int]:
        """Return how many frames were refused, by cause."""
        with self._reader() as reader:
            return {why.name: count for (why, _), count in reader.refusals().items()}

    def frames(self) -> int:
        """Return the highest frame counter that was taken."""
        with self._reader() as reader:
            (node,) = reader.nodes()
            return node.highest

    def status(self) -> dict[str, Any]:
        """Return the node's last STATUS."""
        with self._reader() as reader:
            (node,) = reader.nodes()
            return dict(json.loads(node.status or "{}"))

    async def until_stored(self, count: int, timeout_s: float) -> None:
        """Wait until the store has `count` records. Raises TimeoutError."""
        end_s = self._clock.monotonic_s() + timeout_s
        while len(self.stored()) < count:
            if self._clock.monotonic_s() > end_s:
                raise TimeoutError(f"{len(self.stored())} of {count} records came within {timeout_s:g} s")
            await asyncio.sleep(_LOOK_S)
            await self._clock.sleep(_LOOK_S)
