"""The air over a town: a medium, the nodes' antennas at their places, and what hears them for the gateway."""

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

from device_configs.model import Node, Site
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.radio.forwarder import VirtualForwarder
from hardware.virtual.radio.medium import AirClock, Antenna, Medium
from tools.firmware_image import compiled
from tools.servers import HOST, free_port

CONCENTRATOR = bytes.fromhex("00000000000000c1")
BRIDGE = "bridge"
METRES_PER_DEGREE = 111_195  # of latitude
RIDGE_DB = 190.0  # what a mountain between two antennas leaves nothing of


class Air:
    """One medium. Links lose what their distance costs, with shadowing drawn from `seed`.

    A concentrator hears all nodes. Where the site has a bridge it is at the gateway, and the concentrator in
    the next `valley`, whose nodes it hears and no others: a ridge lies between. `folder` takes the bridge's
    files.
    """

    def __init__(
        self, site: Site, clock: AirClock, folder: Path, seed: int = 4, valley: Sequence[int] = ()
    ) -> None:
        self._site = site
        self.medium = Medium(clock, seed=seed, exponent=2.7, shadow_db=4.0)
        self._port = free_port()
        self._forwarder: VirtualForwarder | None = None
        self._folder = folder
        self._tty = folder / "port"
        self.bridge: VirtualBridge | None = None
        assert site.lora is not None  # the loader has refused such a site
        self._lora = site.lora
        self._place = (0.0, 0.0)
        if site.lora.bridge is not None:
            places = [self._place_of(site.node(id_)) for id_ in valley]
            if places:
                self._place = tuple(sum(axis) / len(places) for axis in zip(*places, strict=True))
            self._hide(valley)

    def _hide(self, valley: Sequence[int]) -> None:
        """Let what is in the valley and what is outside of it not hear each other."""
        inside = {CONCENTRATOR.hex(), *(_name(id_) for id_ in valley)}
        outside = {BRIDGE, *(_name(node.id) for node in self._site.nodes)} - inside
        for one in inside:
            for other in outside:
                first, second = sorted((one, other))
                self.medium.losses_db[first, second] = RIDGE_DB

    def gateway_arguments(self) -> list[str]:
        """Return what the gateway's command needs to hear the concentrator and the bridge."""
        bridge = ["--bridge", str(self._tty)] if self._lora.bridge else []
        return ["--packet-forwarder", f"{HOST}:{self._port}", *bridge]

    def _place_of(self, node: Node) -> tuple[float, float]:
        east = (node.longitude - self._site.longitude) * math.cos(math.radians(self._site.latitude))
        north = node.latitude - self._site.latitude
        return east * METRES_PER_DEGREE, north * METRES_PER_DEGREE

    def antenna_of(self, node: Node) -> Antenna:
        """Return a new antenna where the node hangs."""
        return Antenna(_name(node.id), self.medium, self._place_of(node))

    async def open(self) -> None:
        """Switch on what is off; the forwarder and the gateway find each other whenever both are there."""
        if self._forwarder is None:
            self._forwarder = VirtualForwarder(
                CONCENTRATOR, self.medium, (HOST, self._port), self._place, self._lora.uplinks_khz
            )
            await self._forwarder.open()
        if self._lora.bridge is not None:
            if self.bridge is None:
                firmware = await asyncio.to_thread(compiled)
                kind = self._site.catalog.boards[self._lora.bridge]
                antenna = Antenna(BRIDGE, self.medium)
                self.bridge = VirtualBridge(self._folder / "board", self._tty, antenna, kind, firmware)
            if not self.bridge.port.plugged:
                await self.bridge.plug()

    async def close(self) -> None:
        """Switch everything off."""
        if self._forwarder is not None:
            self._forwarder.close()
            self._forwarder = None
        if self.bridge is not None:
            await self.bridge.unplug()

    async def end(self) -> None:
        """Switch everything off for good."""
        await self.close()
        if self.bridge is not None:
            await self.bridge.close()


def _name(node: int) -> str:
    return f"node {node}"
