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
from gateway.control import SOCKET_NAME, ControlError, request
from gateway.store import STORE_NAME, Reader
from hardware.virtual.backlog_image import FlashRecord, acknowledged, read_backlog
from hardware.virtual.board import Board, State
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import wire
from hardware.virtual.wifi import AccessPoint
from tools.air import Air
from tools.firmware_image import compiled
from tools.programs import Gateway, Sync
from tools.servers import HOST, InfluxDB, Mosquitto, VictoriaMetrics, access_list
from tools.surroundings import Surrounding, surround
from tools.verify import Comparison, Point, compare

DATABASE = "sensornett"
WAKE_S = 90.0  # longest wait for a node to finish what it is doing: its watchdog is shorter
RADIO_S = 600.0  # over LoRa only every sixth report asks what has arrived, and a lost one waits longer
Api = Literal["v1", "v2"]


@dataclass(slots=True)
class Resident:
    """One node of the town: its configuration, its board, and what surrounds it.

    `acked` counts the records in its flash that it knows to be stored, once it has settled.
    """

    node: Node
    board: Board
    around: Surrounding
    acked: int = 0


class Town:
    """`interval_s` and `batch_s` replace what the site says, so that a minute shows something.

    Nodes with LoRa sample each `lora_interval_s` instead: what the law leaves them of the air is no less in a
    hurry. `valley` is for `Air`.
    """

    def __init__(
        self,
        folder: Path,
        site_path: Path,
        *,
        only: Sequence[int] = (),
        interval_s: int = 4,
        lora_interval_s: int | None = None,
        valley: Sequence[int] = (),
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
        self._lora_interval_s = lora_interval_s or interval_s
        self._clock = RealClock()
        self._state = self.folder / "gateway"
        self._keys = {node.id: secrets.token_bytes(16) for node in self.site.nodes}
        self._passwords = {f"n{node.id}": secrets.token_hex(8) for node in self.site.nodes}
        self._gateway_password = secrets.token_hex(8)
        self.speed = speed
        self.broker = Mosquitto(
            self.folder / "mosquitto",
            credentials={**self._passwords, "gateway": self._gateway_password},
            access=access_list(self.site.id, [node.id for node in self.site.nodes]),
        )
        self.database = (InfluxDB if api == "v1" else VictoriaMetrics)(self.folder / "influxdb")
        self._page_port = page_port
        by_radio = any("lora" in node.carriers for node in self.site.nodes)
        self.air = Air(self.site, self._clock, self.folder / "air", valley=valley) if by_radio else None
        self.gateway: Gateway | None = None
        self.sync: Sync | None = None
        self.access_point = AccessPoint(self._clock, self.site.id)
        self.residents: dict[int, Resident] = {}
        self._unsettled: list[Resident] = []

    # Starting, part by part

    async def start_broker(self) -> None:
        await asyncio.to_thread(self.broker.start)

    async def start_database(self) -> None:
        await asyncio.to_thread(self.database.start)

    async def stop_database(self) -> None:
        await asyncio.to_thread(self.database.stop)

    async def start_gateway(self) -> None:
        self._state.mkdir(parents=True, exist_ok=True)
        write_keys(self._state / "keys.json", self._keys)
        password = self._state / "broker-password"
        password.touch(mode=0o600)
        password.write_text(self._gateway_password)
        address = f"{HOST}:{self.broker.port}"
        radios = self.air.gateway_arguments() if self.air else []
        interval_s = max(self._interval_s, self._lora_interval_s) if self.air else self._interval_s
        self.gateway = Gateway(
            self._state, self.site_path, address, password, self._page_port, interval_s, radios
        )
        await asyncio.to_thread(self.gateway.start)
        if self.air:
            await self.air.open()

    async def start_sync(self) -> None:
        self.sync = Sync(self._state, self.site_path, self.database.url, self.api, DATABASE)
        await asyncio.to_thread(self.sync.start)

    async def start_nodes(self) -> None:
        """Make the boards, put the firmware and the settings on them, and switch them on."""
        firmware = await asyncio.to_thread(compiled)
        arounds = surround(self.site, self._clock, self.speed, self.folder / "world")
        for node in self.site.nodes:
            around = arounds[node.id]
            antenna = self.air.antenna_of(node) if self.air and "lora" in node.carriers else None
            wiring = wire(node, self.site.catalog, around.inputs, self._clock, around.witness, antenna)
            board = Board(
                node.name,
                self.folder / "boards" / str(node.id),
                wiring,
                clock=self._clock,
                access_point=self.access_point,
                chip=self.site.catalog.boards[node.board].chip,
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
            ssid=self.site.id,
            wifi_password="",
            interval_s=self._lora_interval_s if node.carrier == "lora" else self._interval_s,
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

    async def stop_sampling(self, timeout_s: float | None = None) -> None:
        """Switch each node off at a moment when it knows that the gateway has all its flash holds.

        `unsettled_names` are those that are not there yet. Raises TimeoutError with them.
        """
        self._unsettled = list(self.residents.values())
        timeout_s = timeout_s or (RADIO_S if self.air else WAKE_S)
        waiting = [asyncio.create_task(self._settle(resident)) for resident in self._unsettled]
        try:
            _, late = await asyncio.wait(waiting, timeout=timeout_s)
        finally:
            for task in waiting:
                task.cancel()
        if late:
            named = ", ".join(self.unsettled_names)
            raise TimeoutError(f"{timeout_s:.0f} s later the gateway lacks records of {named}")
        await asyncio.gather(*waiting)

    @property
    def unsettled_names(self) -> list[str]:
        return [resident.node.name for resident in self._unsettled]

    async def _settle(self, resident: Resident) -> None:
        board = resident.board
        while True:
            memory = board.rtc_memory
            if board.state is State.OFF:
                await board.power_on()  # it may hold records that nobody has heard of
            elif board.state is State.ASLEEP and self._acknowledged(resident, memory):
                break
            elif resident.node.profile.power == "battery" and board.state is State.RUNNING:
                # Over LoRa only every sixth wake ends with everything acknowledged: not one may be missed.
                await board.until(lambda: board.state is not State.RUNNING, WAKE_S)
                continue
            elif resident.node.profile.power == "mains" and board.state is State.RUNNING:
                # It never sleeps: cut its power and see whether flash holds more than it was told is stored.
                await board.power_cut()
                if self._acknowledged(resident, memory):
                    break
                await board.power_on()
                await asyncio.sleep(2.5 * self._batch_s)
            await asyncio.sleep(0.2)
        await board.power_cut()
        self._unsettled.remove(resident)

    def _acknowledged(self, resident: Resident, memory: bytes) -> bool:
        """Whether the node, by what it remembers, has every record of its flash acknowledged."""
        found = self.flash(resident)
        resident.acked = sum(acknowledged(memory, record.seq) for record in found)
        return resident.acked == len(found)

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
        if self.air:
            await self.air.end()
        for server in (self.sync, self.gateway, self.database, self.broker):
            if server is not None:
                await asyncio.to_thread(server.stop)

    # Looking

    def reader(self) -> Reader:
        return Reader.open(self._state / STORE_NAME)

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

    async def counts_in_words(self) -> str:
        """How far the records are on their way, for people."""
        with self.reader() as reader:
            measured = sum(line.measured for line in reader.ledger())
            stored = sum(reader.stored().values())
        try:
            assert self.sync is not None
            sync = await asyncio.to_thread(self.sync.status)
        except ControlError:
            return f"measured {measured}   stored {stored}   sync does not answer"
        away = "" if sync["state"] == "ok" else f"   ({sync['state']})"
        return f"measured {measured}   stored {stored}   in InfluxDB {sync['synced']}{away}"

    async def alerts(self) -> dict[str, str]:
        """What stands and was announced: name and place for people, by the alert's id and occurrence."""
        try:
            answer = await asyncio.to_thread(request, self._state / SOCKET_NAME, {"do": "alerts_list"})
        except ControlError:
            return {}  # it is being restarted
        return {
            f"{each['id']} {each['occurrence']}": f"{each['texts']['en']['name']}, {each['node_name']}"
            for each in answer["standing"]
            if each["announced"]
        }

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
