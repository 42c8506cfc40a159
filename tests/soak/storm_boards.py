"""The demonstration site's own four nodes in the storm: real MicroPython on virtual boards, a real broker.

Their clock is real time that jumps while all sleep; the town's timeline runs ahead by a slice, then the
boards follow it. Before the end they are offered an update that can not start, wave by wave.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from device_configs.compile import node_settings, settings_bytes
from device_configs.model import Node, Site
from gateway.carriers.mqtt import Broker, MqttCarrier
from gateway.store import Reader
from hardware.virtual.backlog_image import read_backlog
from hardware.virtual.bench import HEAP_KB, HeldClock
from hardware.virtual.board import Board
from hardware.virtual.clock import VirtualClock
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.wifi import AccessPoint
from tests.soak import storm_scene as scene
from tests.soak.storm_town import HOUR_S, StormTown
from tools.firmware_image import compiled
from tools.servers import HOST, Mosquitto, free_port
from tools.update import bundle, signing
from tools.update.carry import Offers, Stopped, waves_of

SSID = "storm"
NUMBER, VERSION = 9, "0.9.0"
PATIENCE_S = 60.0  # real: some virtual hours, in each of which the nodes look once
Identity = tuple[int, int, int, tuple[int | None, ...]]  # node, epoch, sequence, values


def keys() -> dict[int, bytes]:
    return {number: number.to_bytes(2, "big") * 8 for number in scene.REAL}


class Boards:
    """`follow` lets them live up to a moment of the town's time. `loop` is the town's."""

    def __init__(self, folder: Path, site: Site, start_utc_ms: int) -> None:
        self.site = site
        self._clock = VirtualClock(start_utc_ms)
        self._access_point = AccessPoint(self._clock, SSID)
        self._signer = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
        self.port = free_port()
        self.broker = Mosquitto(folder / "mosquitto", self.port)
        self.boards = {
            number: self._board(site.node(number), folder / f"board-{number}") for number in scene.REAL
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._wave: asyncio.Task[None] | None = None
        self.wave_said = ""
        self.offered: list[int] = []

    def _board(self, node: Node, folder: Path) -> Board:
        def at() -> float:
            return self._clock.monotonic_s() / HOUR_S

        quantities = {
            "up": lambda: scene.levels_mm(node, at())[0], "down": lambda: scene.levels_mm(node, at())[1],
            "water": lambda: 2.0 + scene.ripple(node, at(), 0.2), "air": lambda: scene.air_c(at()),
            "battery": lambda: 3.6 + scene.ripple(node, at(), 0.005),
            "distance": lambda: node.geometry.sensor_height_mm - scene.depth_mm(node, at()),  # type: ignore[union-attr]
        }  # fmt: skip
        wiring = wire(node, self.site.catalog, Surroundings(quantities), self._clock)
        kind = self.site.catalog.boards[node.board]
        board = Board(
            node.name, folder, wiring, clock=self._clock, access_point=self._access_point,
            chip=kind.chip, heap_kb=HEAP_KB[node.profile.power],
        )  # fmt: skip
        settings = node_settings(self.site, node, host=HOST, port=self.port, ssid=SSID, wifi_password="")
        trust = {"board": node.board, "hardware": 1, "keys": [signing.public_of(self._signer)]}
        board.install(
            {
                **compiled(), "settings.json": settings_bytes(settings),
                "key.hex": keys()[node.id].hex().encode(), "trust.json": json.dumps(trust).encode(),
            }
        )  # fmt: skip
        return board

    async def start(self, town: StormTown) -> None:
        self._held = HeldClock(self._clock)
        await asyncio.to_thread(self.broker.start)
        self._carrier = MqttCarrier(self.site.id, Broker(HOST, self.port), now_ms=self._clock.utc_ms)
        self._tasks = [asyncio.create_task(self._carry(town))]
        while not self._carrier.connected:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.01)
        for board in self.boards.values():
            await board.power_on()

    async def _carry(self, town: StormTown) -> None:
        async for batch in self._carrier.uplinks():
            if town.forwarders is not None:  # else the gateway has no supply
                await self._carrier.send(await town.ingest.accept(batch))

    async def _follow(self, until_s: float) -> None:
        left_s = until_s - self._held.monotonic_s()
        if left_s > 0:
            await self._held.sleep(left_s)

    def follow(self, town: StormTown) -> None:
        """Let the boards live up to the town's moment."""
        town.clock_ms = self._clock.utc_ms
        town.run(self._follow(town.timeline.monotonic_s()))
        town.clock_ms = None

    # The update that fails

    async def offer_broken(self, state: Path) -> None:
        """Begin to roll out a program that can not start: one node first, then the others."""
        files = bundle.program(NUMBER, VERSION)
        files["node/app.mpy"] = b"no bytecode at all"
        made = bundle.bundle_of(files)
        boards = tuple(sorted({self.site.node(number).board for number in scene.REAL}))
        expires = self._clock.utc_ms() // 1000 + 30 * 86_400
        manifest = bundle.manifest_for(made, NUMBER, VERSION, boards, 1, expires)
        signed = manifest.message() + signing.sign(manifest.message(), self._signer)
        self._wave = asyncio.create_task(self._roll_out(state, made, signed, manifest))

    async def _roll_out(self, state: Path, made: bytes, signed: bytes, manifest: bundle.Manifest) -> None:
        def running() -> Mapping[int, str]:
            with Reader.open(state / "store.db") as reader:
                return {n.node: json.loads(n.status).get("firmware", "") for n in reader.nodes()}

        waves = waves_of(list(scene.REAL), [1])
        try:
            async with Offers(self.site.id, Broker(HOST, self.port)) as offers:
                await offers.put(made, manifest.sha256)
                await offers.roll_out(
                    waves, signed, VERSION, running, PATIENCE_S, lambda wave: self.offered.extend(
                        node for node in wave.nodes if node not in self.offered
                    ),
                )  # fmt: skip
        except Stopped as stopped:
            self.wave_said = "; ".join(stopped.wave.refused.values()) or "it fell silent"
        else:
            self.wave_said = "it went through"

    # What they measured

    async def stop(self) -> None:
        """Switch the boards off, once the roll-out has come to its end."""
        if self._wave:
            await self._wave
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for board in self.boards.values():
            await board.close()
        await asyncio.to_thread(self.broker.stop)

    def measured(self) -> set[Identity]:
        """Return what lies in the nodes' flash, after `stop`."""
        found: set[Identity] = set()
        for number, board in self.boards.items():
            channels = len(self.site.node(number).profile.channels)
            found |= {
                (number, r.epoch, r.seq, tuple(r.values)) for r in read_backlog(board.files(), channels)
            }
        return found
