"""One node of the demonstration site in virtual time, with a real broker and the real gateway beside it.

The node runs its own files in real MicroPython on a virtual board; a month of its sleep passes in minutes,
since the clock jumps while the node waits. Gateway and store are the project's own, in this process, on that
clock.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device_configs.compile import node_settings, schemas, settings_bytes
from device_configs.loader import SITES, load_site
from gateway.app import Gateway, Settings
from gateway.carriers import Carrier
from gateway.carriers.mqtt import Broker, MqttCarrier
from gateway.store import STORE_NAME, Reader, Store
from hardware.virtual.backlog_image import FlashRecord, acknowledged, read_backlog
from hardware.virtual.board import Board
from hardware.virtual.chips.front import Button, Led
from hardware.virtual.clock import VirtualClock
from hardware.virtual.meters import Values, frame
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.wifi import AccessPoint
from node import retained
from tools.firmware_image import compiled
from tools.servers import HOST, Mosquitto, free_port
from wire.frame import HEADER_SIZE, TAG_SIZE
from wire.records import Record, encode

SSID = "lab"
KEY = bytes(range(16))
CALM = {
    "up": 300.0, "down": 250.0, "water": 2.0, "air": -6.0, "battery": 3.6, "distance": 2400.0,
    "power": 12_000.0,
}  # fmt: skip


class Lab:
    """`world` holds what is true around the node, by channel: change it at any time.

    `changes` are merged into the node's settings, `broker` has further lines for the listener nodes connect
    to (the gateway has one of its own); `board` options go to the virtual board. An energy node's meter is
    `meter_id`, its register stands at `register_wh`. `more_carriers` makes what the gateway listens to beside
    the broker; a node with LoRa is on the air of `medium`.
    """

    meter_id = "7359992890000042"
    register_wh = 5_000_000.0

    def __init__(
        self,
        folder: Path,
        node: int,
        *,
        changes: dict[str, Any] | None = None,
        interval_s: int | None = None,
        tree: dict[str, bytes] | None = None,
        broker: Sequence[str] = (),
        list_s: float = 10.0,
        site: Path = SITES / "narvik-demo",
        world: dict[str, float] | None = None,
        **board: Any,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.site = load_site(site).only(node)
        self.node = self.site.node(node)
        self.clock = VirtualClock()
        self.world = {**CALM, **(world or {})}
        self.access_point = AccessPoint(self.clock, SSID)
        self.port, self._inner_port = free_port(), free_port()
        lines = [*broker, f"listener {self._inner_port} {HOST}"]
        self.broker = Mosquitto(folder / "mosquitto", self.port, settings=lines)
        self._list_s = list_s
        self._running: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        kind = self.site.catalog.boards[self.node.board]
        self.more_carriers: Callable[[], list[Carrier]] = list
        self.medium = Medium(self.clock, seed=3, shadow_db=0.0)
        antenna = Antenna("node", self.medium, (400.0, 0.0)) if "lora" in self.node.carriers else None
        around = self._surroundings()
        wiring = wire(self.node, self.site.catalog, around, self.clock, antenna=antenna)
        assert kind.led
        assert kind.button
        self.led, self.button = Led(self.clock, kind.led.on_level), Button(self.clock)
        front = {kind.led.pin: self.led, kind.button.pin: self.button}
        wiring = dataclasses.replace(wiring, pins={**wiring.pins, **front})
        self.board = Board(
            self.node.name,
            folder / "board",
            wiring,
            clock=self.clock,
            access_point=self.access_point,
            chip=kind.chip,
            **{"heap_kb": 160 if self.node.profile.power == "battery" else 320, **board},
        )
        self.settings = node_settings(
            self.site,
            self.node,
            host=HOST,
            port=self.port,
            ssid=SSID,
            wifi_password="",
            interval_s=interval_s,
        )
        self.settings.update(changes or {})
        self.board.install(
            {
                **(compiled() if tree is None else tree),
                "settings.json": settings_bytes(self.settings),
                "key.hex": KEY.hex().encode(),
            }
        )

    def _surroundings(self) -> Surroundings:
        make = str((self.node.sensors or {}).get("meter", {}).get("make", "aidon"))

        def frames() -> Any:
            at_s = 0.0
            while True:
                at_s += self._list_s
                self.register_wh += self.world["power"] * self._list_s / 3600
                hourly = at_s % 3600 < self._list_s
                power_w, energy_wh = round(self.world["power"]), round(self.register_wh)
                values = Values(import_power_w=power_w, import_energy_wh=energy_wh)
                now = datetime.fromtimestamp(self.clock.utc_ms() / 1000, UTC)
                number = 3 if hourly else 2
                yield at_s, frame(make, number, values, now, meter_id=self.meter_id)  # type: ignore[arg-type]

        return Surroundings.of(self.world, frames)

    async def start_gateway(self) -> None:
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self._serve())
        await asyncio.sleep(0)

    async def _serve(self) -> None:
        state = self.folder / "gateway"
        state.mkdir(exist_ok=True)
        broker = Broker(HOST, self._inner_port)
        keys = {self.node.id: KEY}
        settings = Settings(self.site.id, self.site.gateway_id, keys, schemas(self.site), state, broker)
        store = Store.open(state / STORE_NAME, self.clock.utc_ms)
        carrier = MqttCarrier(self.site.id, broker, now_ms=self.clock.utc_ms)
        self.carrier = carrier
        carriers = [carrier, *self.more_carriers()]
        gateway = Gateway(settings, store, now_ms=self.clock.utc_ms, trusted=lambda: True, carriers=carriers)
        try:
            await gateway.run(self._stop)
        finally:
            await store.close()

    async def stop_gateway(self) -> None:
        if self._running:
            self._stop.set()
            await self._running
            self._running = None

    async def start(self) -> None:
        await asyncio.to_thread(self.broker.start)
        await self.start_gateway()
        while not (hasattr(self, "carrier") and self.carrier.connected):
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        await self.board.close()
        await self.stop_gateway()
        await asyncio.to_thread(self.broker.stop)

    async def broker_gone(self) -> None:
        await asyncio.to_thread(self.broker.stop)

    async def wakes(self, count: int, timeout_s: float = 60.0) -> None:
        """Wait until the node has slept `count` more times."""
        goal = self.board.counts.wakes + count
        await self.board.until(lambda: self.board.counts.wakes >= goal and self.board.asleep, timeout_s)

    async def caught_up(self) -> None:
        """Let it wake until the gateway has all it measured: a slow machine may answer too late."""
        for _ in range(5):
            with self.reader() as reader:
                if reader.stored().get(self.node.id, 0) == len(self.flash()):
                    return
            await self.wakes(1)
        raise AssertionError(f"after five more wakes the gateway lacks records:\n{self.board.console.text()}")

    async def asleep(self, timeout_s: float = 60.0) -> None:
        await self.board.until(lambda: self.board.asleep, timeout_s)

    def state(self) -> Any:
        """What the node remembers in RTC memory (node.retained.Retained), None where it has forgotten."""
        return retained.unpack(self.board.rtc_memory)

    def said(self) -> dict[str, Any]:
        """The node's last STATUS, as the gateway keeps it; nothing before the first."""
        with self.reader() as reader:
            return dict(json.loads(reader.nodes()[0].status or "{}")) if reader.nodes() else {}

    async def says(self, true: Callable[[dict[str, Any]], bool]) -> None:
        """Let it wake until its STATUS is like that: on a slow machine it may end before it was heard."""
        for _ in range(5):
            if true(self.said()):
                return
            await self.wakes(1)
        raise AssertionError(f"after five more wakes it says {self.said()}:\n{self.board.console.text()}")

    def change_settings(self, **changes: Any) -> None:
        """Put other settings on the node, as an update would."""
        self.settings.update(changes)
        self.board.change({"settings.json": settings_bytes(self.settings)})

    def flash(self) -> list[FlashRecord]:
        return read_backlog(self.board.files(), len(self.node.profile.channels))

    def data_frame_bytes(self) -> int:
        """Bytes of a sealed frame with the newest record alone."""
        record = self.flash()[-1]
        profile = self.node.profile
        one = Record(record.seq, record.time_s, record.values, record.quality)
        _, body = encode(profile.schema_id, profile.quantities, record.epoch & 0xFF, None, [one])
        return HEADER_SIZE + len(body) + TAG_SIZE

    def reader(self) -> Reader:
        return Reader.open(self.folder / "gateway" / STORE_NAME)

    def unacknowledged(self, memory: bytes | None = None) -> int:
        """Records of the flash that the node (by its RTC memory, now or as given) does not know stored."""
        memory = self.board.rtc_memory if memory is None else memory
        return sum(not acknowledged(memory, record.seq) for record in self.flash())
