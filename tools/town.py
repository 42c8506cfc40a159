"""A municipality's sensor network on this machine: private servers, the real gateway and sync, virtual nodes.

The demo shows it, the end-to-end tests break it; both end with the same comparison.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp

from cloud_sync.query import points
from device_configs.compile import node_settings, settings_bytes
from device_configs.keys import write_keys
from device_configs.loader import load_site
from device_configs.model import Node, Site
from gateway.control import ControlError
from gateway.store import Reader
from hardware.virtual.backlog_image import FlashRecord, read_backlog
from hardware.virtual.board import Board, State
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import wire
from hardware.virtual.wifi import AccessPoint
from tools.programs import Gateway, Sync
from tools.servers import HOST, InfluxDB, Mosquitto, VictoriaMetrics, access_list
from tools.surroundings import Surrounding, surround
from tools.verify import Comparison, Point, compare

FIRMWARE = Path(__file__).parent.parent / "firmware"
DATABASE = "sensornett"
SSID = "narvik-demo"
WAKE_S = 90.0  # longest wait for a node to finish what it is doing: its watchdog is shorter
Api = Literal["v1", "v2"]


@dataclass(slots=True)
class Resident:
    """One node of the town: its configuration, its board, and what surrounds it."""

    node: Node
    board: Board
    around: Surrounding


class Town:
    """`interval_s` and `batch_s` replace what the site says, so that a minute shows something."""

    def __init__(
        self,
        folder: Path,
        site_path: Path,
        *,
        only: Sequence[int] = (),
        interval_s: int = 4,
        batch_s: int = 8,
        speed: float = 360.0,
        api: Api = "v1",
        page_port: int | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.site_path = site_path.resolve()
        site = load_site(site_path)
        self.site: Site = site.only(*only) if only else site
        self.api: Api = api
        self._interval_s, self._batch_s = interval_s, batch_s
        self._clock = RealClock()
        self._state = self.folder / "gateway"
        self._keys = {node.id: secrets.token_bytes(16) for node in self.site.nodes}
        self._passwords = {f"n{node.id}": secrets.token_hex(8) for node in self.site.nodes}
        self._gateway_password = secrets.token_hex(8)
        self._speed = speed
        self.broker = Mosquitto(
            self.folder / "mosquitto",
            credentials={**self._passwords, "gateway": self._gateway_password},
            access=access_list(self.site.id, [node.id for node in self.site.nodes]),
        )
        self.database = (InfluxDB if api == "v1" else VictoriaMetrics)(self.folder / "influxdb")
        self._page_port = page_port
        self.gateway: Gateway | None = None
        self.sync: Sync | None = None
        self.access_point = AccessPoint(self._clock, SSID)
        self.residents: dict[int, Resident] = {}

    # Starting, part by part

    async def start_broker(self) -> None:
        await asyncio.to_thread(self.broker.start)

    async def start_database(self) -> None:
        await asyncio.to_thread(self.database.start)

    async def start_gateway(self) -> None:
        self._state.mkdir(parents=True, exist_ok=True)
        write_keys(self._state / "keys.json", self._keys)
        password = self._state / "broker-password"
        password.touch(mode=0o600)
        password.write_text(self._gateway_password)
        address = f"{HOST}:{self.broker.port}"
        self.gateway = Gateway(self._state, self.site_path, address, password, self._page_port)
        await asyncio.to_thread(self.gateway.start)

    async def start_sync(self) -> None:
        self.sync = Sync(self._state, self.site_path, self.database.url, self.api, DATABASE)
        await asyncio.to_thread(self.sync.start)

    async def start_nodes(self) -> None:
        """Make the boards, put the firmware and the settings on them, and switch them on."""
        firmware = {
            str(path.relative_to(FIRMWARE)): path.read_bytes() for path in sorted(FIRMWARE.rglob("*.py"))
        }
        arounds = surround(self.site, self._clock, self._speed, self.folder / "world")
        for node in self.site.nodes:
            around = arounds[node.id]
            wiring = wire(node, self.site.catalog, around.inputs, self._clock, around.witness)
            board = Board(
                node.name,
                self.folder / "boards" / str(node.id),
                wiring,
                clock=self._clock,
                access_point=self.access_point,
                heap_kb=160 if node.profile.power == "battery" else 320,
            )
            board.install({**firmware, **self._provisioning(node)})
            self.residents[node.id] = Resident(node, board, around)
            await board.power_on()

    def _provisioning(self, node: Node) -> dict[str, bytes]:
        settings = node_settings(
            self.site,
            node,
            host=HOST,
            port=self.broker.port,
            password=self._passwords[f"n{node.id}"],
            ssid=SSID,
            wifi_password="",
            interval_s=self._interval_s,
            batch_s=self._batch_s,
        )
        return {"settings.json": settings_bytes(settings), "key.hex": self._keys[node.id].hex().encode()}

    async def start(self) -> None:
        await self.start_broker()
        await self.start_database()
        await self.start_gateway()
        await self.start_sync()
        await self.start_nodes()

    # Ending

    async def stop_sampling(self, timeout_s: float = WAKE_S) -> None:
        """Switch each node off at a moment when the gateway has everything its flash holds."""
        await asyncio.gather(*(self._settle(resident, timeout_s) for resident in self.residents.values()))

    async def _settle(self, resident: Resident, timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            while True:
                if resident.board.state in (State.ASLEEP, State.OFF) and self._all_stored(resident):
                    break
                if resident.node.profile.power == "mains" and resident.board.state is State.RUNNING:
                    # It never sleeps: cut its power, see what is in flash, and let it tell the rest.
                    await resident.board.power_cut()
                    if self._all_stored(resident):
                        break
                    await resident.board.power_on()
                    await asyncio.sleep(2 * self._batch_s)
                await asyncio.sleep(0.2)
        await resident.board.power_cut()

    def _all_stored(self, resident: Resident) -> bool:
        held = {(r.epoch, r.seq) for r in self.flash(resident)}
        with self.reader() as reader:
            stored = {(e, s) for node, e, s, _ in reader.identities() if node == resident.node.id}
        return held <= stored

    async def drain(self, timeout_s: float = 60.0) -> None:
        """Wait until sync has settled every stored record. Raises TimeoutError."""
        assert self.sync is not None
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    status = await asyncio.to_thread(self.sync.status)
                    if status["pending"] == 0:
                        return
                except ControlError:
                    pass  # it is being restarted
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End everything that was started, whatever state it is in."""
        for resident in self.residents.values():
            await resident.board.close()
            resident.around.world.close()
        for server in (self.sync, self.gateway, self.database, self.broker):
            if server is not None:
                await asyncio.to_thread(server.stop)

    # Looking

    def reader(self) -> Reader:
        return Reader.open(self._state / "store.db")

    def flash(self, resident: Resident) -> list[FlashRecord]:
        """What the node's flash holds; its program must not be running."""
        return read_backlog(resident.board.files(), len(resident.node.profile.channels))

    async def points(self) -> dict[int, list[Point]]:
        """What the database answers when asked for everything, by node."""
        found: dict[int, list[Point]] = {node.id: [] for node in self.site.nodes}
        for profile in sorted({node.profile.name for node in self.site.nodes}):
            for point in await points(self.database.url, self.api, DATABASE, profile):
                numbers = {key: value for key, value in point.items() if not isinstance(value, str)}
                found[int(point["node"])].append(numbers)
        return found

    async def compare(self) -> Comparison:
        """Compare flash, store, database and world. The nodes must be off."""
        residents = self.residents.items()
        flash = {node: self.flash(resident) for node, resident in residents}
        keys = {n.id: [channel.key for channel in n.profile.channels] for n in self.site.nodes}
        with self.reader() as reader:
            stored = reader.after(0, 1 << 40)
        moments = {node: resident.around.moments_ms() for node, resident in residents}
        return compare(flash, stored, await self.points(), keys, moments, await self.quarantined())

    async def quarantined(self) -> int:
        assert self.sync is not None
        status = await asyncio.to_thread(self.sync.status)
        return int(str(status["quarantined"]))


async def page_answers(url: str) -> bool:
    """Whether a page of the gateway can be had."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
