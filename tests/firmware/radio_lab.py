"""One LoRa node of the demonstration site in virtual time, on the air with concentrators of the real gateway.

The node runs its own files in real MicroPython on a virtual board with an SX1262 on its bus. Gateway and
store are the project's own, in this process; datagrams pass between them and the concentrators without a
socket, and the clock stands still while the gateway works on a frame.
"""

import asyncio
import dataclasses
import json
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any

from device_configs.compile import node_settings, schemas, settings_bytes
from device_configs.loader import SITES, load_site
from gateway.app import Gateway, Settings
from gateway.carriers.concentrators import Forwarders
from gateway.carriers.duty import Duty
from gateway.carriers.mqtt import Broker
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink, Uplink
from gateway.store import STORE_NAME, Reader, Store
from hardware.virtual.board import Board
from hardware.virtual.chips.front import Button, Led
from hardware.virtual.clock import VirtualClock
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.radio.forwarder import Protocol
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.wifi import AccessPoint
from node import retained
from tests.firmware.lab import CALM, KEY
from tools.firmware_image import compiled

RADIO = (
    "\nlora: {frequency_khz: 868100, channels_khz: [868300], spreading_factor: 7, bandwidth_khz: 125,"
    " power_dbm: 14}\n"
)
EUI = 0xC1


def site_with_radio(folder: Path) -> Path:
    """Make a copy of the demonstration site whose battery nodes have LoRa; return its folder."""
    site = folder / "narvik-demo"
    shutil.copytree(SITES / "narvik-demo", site)
    (site / "site.yaml").write_text((site / "site.yaml").read_text() + RADIO)
    nodes = (site / "nodes.yaml").read_text()
    (site / "nodes.yaml").write_text(nodes.replace("carrier: mqtt", "carrier: lora", 4))
    return site


class _Concentrator(Protocol):
    def __init__(
        self, number: int, medium: Medium, carrier: "AirCarrier", channels_khz: Sequence[int]
    ) -> None:
        super().__init__(number.to_bytes(8, "big"), medium, (0, 0), channels_khz)
        self._carrier, self._number = carrier, number

    def transmit(self, datagram: bytes) -> None:
        if self._carrier.up:
            self._carrier.forwarders.datagram(datagram, ("127.0.0.1", self._number))


class AirCarrier:
    """The gateway's end of its concentrators. `up` False: nothing gets through."""

    name = "lora"
    connected = True
    PULL_S = 20.0

    def __init__(self, site: Any, medium: Medium, clock: VirtualClock, concentrators: int = 1) -> None:
        self._clock = clock
        self.up = True
        self._inbox: asyncio.Queue[Uplink] = asyncio.Queue()
        channels = site.lora.uplinks_khz
        duty = Duty(site.lora.downlink_khz, site.lora.bandwidth_khz, lambda: clock.utc_ms() // 1000)
        now_s = clock.monotonic_s
        self.forwarders = Forwarders(
            site.lora,
            Receivers(site.lora, duty, later=clock.call_later, now_s=now_s, now_ms=clock.utc_ms),
            deliver=self._deliver,
            transmit=lambda datagram, address: self._concentrators[address[1]].datagram(datagram),
            now_s=now_s,
        )
        self._concentrators = {
            EUI + i: _Concentrator(EUI + i, medium, self, channels) for i in range(concentrators)
        }
        self._pull()

    def _pull(self) -> None:
        for concentrator in self._concentrators.values():
            concentrator.pull()
        self._next = self._clock.call_later(self.PULL_S, self._pull)

    def _deliver(self, uplink: Uplink) -> None:
        self._clock.hold()  # an answer is due within a second, however long the disk takes
        self._inbox.put_nowait(uplink)

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        while True:
            yield [await self._inbox.get()]

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        self.forwarders.send(downlinks)
        self._clock.release()


class RadioLab:
    """`changes` are merged into the node's settings. `concentrators` stand in the same place.

    `hotspot` is what the node's Wi-Fi finds, should it look. `heap_kb` is what the firmware finds free.
    `alerts`: the gateway keeps the site's alerts, in the same time.
    """

    def __init__(
        self,
        folder: Path,
        node: int,
        *,
        changes: dict[str, Any] | None = None,
        hotspot: Callable[[VirtualClock], AccessPoint] | None = None,
        heap_kb: int = 160,
        alerts: bool = False,
    ) -> None:
        self.folder = folder
        self._alerts = alerts
        self.site_path = site_with_radio(folder)
        self.site = load_site(self.site_path).only(node)
        self.node = self.site.node(node)
        self.clock = VirtualClock()
        self.world = dict(CALM)
        self.medium = Medium(self.clock, seed=3, shadow_db=0.0)
        self.antenna = Antenna(f"node {node}", self.medium, (400.0, 0.0))
        self.key = KEY
        self.carrier: AirCarrier | None = None
        self.gateway: Gateway | None = None
        self.refusals: dict[Any, int] = {}
        self._running: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        kind = self.site.catalog.boards[self.node.board]
        quantities = {name: (lambda name=name: self.world[name]) for name in self.world}  # type: ignore[misc]
        around = Surroundings(quantities)  # a test may put another world in the place of this one
        wiring = wire(self.node, self.site.catalog, around, self.clock, antenna=self.antenna)
        assert kind.led
        assert kind.button
        self.led, self.button = Led(self.clock, kind.led.on_level), Button(self.clock)
        front = {kind.led.pin: self.led, kind.button.pin: self.button}
        wiring = dataclasses.replace(wiring, pins={**wiring.pins, **front})
        self.access_point = hotspot(self.clock) if hotspot else None
        self.board = Board(
            self.node.name,
            folder / "board",
            wiring,
            clock=self.clock,
            chip=kind.chip,
            access_point=self.access_point,
            heap_kb=heap_kb,
        )
        self.settings = {**node_settings(self.site, self.node), **(changes or {})}
        self.board.install(
            {
                **compiled(),
                "settings.json": settings_bytes(self.settings),
                "key.hex": self.key.hex().encode(),
            }
        )

    @property
    def state(self) -> Path:
        return self.folder / "gateway"

    async def start(self, concentrators: int = 1) -> None:
        self._stop = asyncio.Event()
        self.state.mkdir(exist_ok=True)
        # The broker is never asked: the only carrier is the air.
        settings = Settings(
            self.site.id,
            self.site.gateway_id,
            {self.node.id: self.key},
            schemas(self.site),
            self.state,
            Broker(),
            rules=self.site if self._alerts else None,
        )
        store = Store.open(self.state / STORE_NAME, self.clock.utc_ms)
        self.carrier = AirCarrier(self.site, self.medium, self.clock, concentrators)
        self.gateway = gateway = Gateway(
            settings,
            store,
            now_ms=self.clock.utc_ms,
            trusted=lambda: True,
            monotonic=self.clock.monotonic_s,
            carriers=[self.carrier],
        )
        self.refusals = gateway.ingest.totals

        async def serve() -> None:
            try:
                await gateway.run(self._stop)
            finally:
                await store.close()

        self._running = asyncio.create_task(serve())

    async def stop_gateway(self) -> None:
        if self._running:
            self._stop.set()
            await self._running
            self._running = None

    async def stop(self) -> None:
        await self.board.close()
        await self.stop_gateway()

    async def until(self, condition: Callable[[], bool], hours: float, step_s: float = 60.0) -> None:
        """Let virtual time pass until a condition holds; AssertionError after so many hours."""
        end_s = self.clock.monotonic_s() + hours * 3600
        while not condition():
            assert self.clock.monotonic_s() < end_s, self.board.console.text()[-3000:]
            await self.clock.sleep(step_s)

    def said(self) -> dict[str, Any]:
        """The node's last STATUS, as the gateway keeps it."""
        with self.reader() as reader:
            return dict(json.loads(reader.nodes()[0].status)) if reader.nodes() else {}

    def stored(self) -> int:
        with self.reader() as reader:
            return sum(reader.stored().values())

    def memory(self) -> Any:
        """What the node remembers in RTC memory."""
        return retained.unpack(self.board.rtc_memory)

    def reader(self) -> Reader:
        return Reader.open(self.state / STORE_NAME)
