"""The air over a town: a medium, the nodes' antennas at their places, and a concentrator at the gateway's."""

import math

from device_configs.model import Node, Site
from hardware.virtual.radio.forwarder import VirtualForwarder
from hardware.virtual.radio.medium import AirClock, Antenna, Medium
from tools.servers import HOST, free_port

CONCENTRATOR = bytes.fromhex("00000000000000c1")
METRES_PER_DEGREE = 111_195  # of latitude


class Air:
    """One medium. Links lose what their distance costs, with shadowing drawn from `seed`."""

    def __init__(self, site: Site, clock: AirClock, seed: int = 4) -> None:
        self._site = site
        self.medium = Medium(clock, seed=seed, exponent=2.7, shadow_db=4.0)
        self._port = free_port()
        self._forwarder: VirtualForwarder | None = None

    def gateway_arguments(self) -> list[str]:
        """Return what the gateway's command needs to hear the concentrator."""
        return ["--packet-forwarder", f"{HOST}:{self._port}"]

    def antenna_of(self, node: Node) -> Antenna:
        """Return a new antenna where the node hangs."""
        east = (node.longitude - self._site.longitude) * math.cos(math.radians(self._site.latitude))
        north = node.latitude - self._site.latitude
        place = (east * METRES_PER_DEGREE, north * METRES_PER_DEGREE)
        return Antenna(f"node {node.id}", self.medium, place)

    async def open(self) -> None:
        """Switch the concentrator on; its forwarder finds the gateway whenever that is there."""
        if self._forwarder is None:
            assert self._site.lora is not None  # the loader has refused such a site
            self._forwarder = VirtualForwarder(
                CONCENTRATOR, self.medium, (HOST, self._port), channels_khz=self._site.lora.uplinks_khz
            )
            await self._forwarder.open()

    def close(self) -> None:
        if self._forwarder is not None:
            self._forwarder.close()
            self._forwarder = None
