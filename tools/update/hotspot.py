"""A technician's end of an update at a hotspot: a broker of its own, and what came of each node that joined.

Whoever is on the hotspot may read the offers and the pieces, and say what a node made of them; only this
process may offer. Nodes need not believe even that: see firmware/lib/node/hotspot.py.
"""

import asyncio
import re
import secrets
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.carriers.mqtt import Broker
from tools.servers import HOST, Mosquitto
from tools.update.bundle import Manifest
from tools.update.carry import REFUSED, Offers

LOOK_S = 0.2
NODES_MAX = 32
PACKET_MAX = 8192
_DESK = "desk"
_TAKING = re.compile(r"(\d+): (\d+) of (\d+) pieces")
_RUNS = re.compile(r"runs .* \((\d+)\)")

Stage = Literal["waiting", "taking", "taken", "runs", "confirmed", "refused"]


@dataclass(frozen=True, slots=True)
class Visit:
    """How far a node has come. `share`: of the program it holds; `said`: why it does not take it."""

    stage: Stage = "waiting"
    share: float = 0.0
    said: str = ""


def visit_of(said: str, number: int) -> Visit:
    """Return what a node's own words about an offer of this number come to."""
    if taking := _TAKING.fullmatch(said):
        return Visit("taking", int(taking[2]) / max(int(taking[3]), 1))
    if runs := _RUNS.fullmatch(said):
        return Visit("runs") if int(runs[1]) >= number else Visit("refused", said=said)
    if said == f"{number}: on trial":
        return Visit("taken", 1.0)
    return Visit("refused", said=said.removeprefix(REFUSED).strip())


def taken_port(port: int, address: str = "") -> bool:
    """Whether another program has this TCP port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def access_of(site: str) -> list[str]:
    """Return the lines of the broker's ACL: first what holds for everybody, then for this process."""
    offers, pieces, said = f"sn/{site}/+/offer", f"sn/{site}/fw/#", f"sn/{site}/+/said"
    everybody = [f"topic read {offers}", f"topic read {pieces}", f"topic write {said}"]
    return [*everybody, f"user {_DESK}", *(f"topic readwrite {topic}" for topic in (offers, pieces, said))]


class Desk:
    """Offers `signed` and its `bundle` to `nodes` of a site, at TCP port `port`.

    `running` says which version the gateway last heard of each node; None: this machine is not the gateway.
    """

    def __init__(
        self,
        site: str,
        nodes: Sequence[int],
        manifest: Manifest,
        signed: bytes,
        bundle: bytes,
        port: int,
        running: Callable[[], Mapping[int, str]] | None = None,
    ) -> None:
        self._site, self._manifest, self._signed, self._bundle = site, manifest, signed, bundle
        self._port = port
        self._running = running
        self.visits = {node: Visit() for node in nodes}

    async def serve(
        self, told: Callable[[int, Visit], None], until: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        """Serve until every node has it, or `until` is set; `told` of every step of a node.

        Raises ServerError, aiomqtt.MqttError.
        """
        password = secrets.token_urlsafe(16)
        with tempfile.TemporaryDirectory(prefix="hotspot-") as folder:
            broker = Mosquitto(
                Path(folder),
                credentials={_DESK: password},
                access=access_of(self._site),
                settings=[
                    f"listener {self._port}",
                    f"max_connections {NODES_MAX}",
                    "allow_anonymous true",
                    f"max_packet_size {PACKET_MAX}",
                ],
            )
            await asyncio.to_thread(broker.start)
            try:
                async with Offers(self._site, Broker(HOST, broker.port, _DESK, password)) as offers:
                    await offers.put(self._bundle, self._manifest.sha256)
                    for node in self.visits:
                        await offers.offer(node, self._signed)
                    ready()
                    await self._watch(offers, told, until)
            finally:
                await asyncio.to_thread(broker.stop)

    async def _watch(self, offers: Offers, told: Callable[[int, Visit], None], until: asyncio.Event) -> None:
        while not until.is_set():
            waits = any(visit.stage == "taken" for visit in self.visits.values())
            running = self._running() if self._running and waits else {}
            for node, before in self.visits.items():
                now = visit_of(offers.said[node], self._manifest.number) if node in offers.said else before
                if before.stage == "confirmed" or (
                    now.stage == "taken" and running.get(node) == self._manifest.version
                ):
                    now = Visit("confirmed", 1.0)
                if now != before:
                    self.visits[node] = now
                    told(node, now)
            if not self.missing:
                return
            await asyncio.sleep(LOOK_S)

    @property
    def missing(self) -> list[int]:
        """The nodes that do not have the program yet, or are not known to have proved it."""
        enough = {"runs", "confirmed", "taken"} - ({"taken"} if self._running else set())
        return [node for node, visit in self.visits.items() if visit.stage not in enough]
