"""Offers updates to nodes through the broker, wave by wave; firmware/lib/node/offers.py has the topics."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiomqtt import Client

from gateway.carriers.mqtt import Broker
from tools.update.bundle import pieces

LOOK_S = 2.0
REFUSED = "refused:"


@dataclass(slots=True)
class Wave:
    """Nodes that are offered an update together, and what became of it."""

    nodes: tuple[int, ...]
    done: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    begun: bool = False

    @property
    def waiting(self) -> list[int]:
        return [node for node in self.nodes if node not in self.done and node not in self.refused]


class Stopped(Exception):
    """A wave did not come through, and no further one was begun."""

    def __init__(self, wave: Wave) -> None:
        super().__init__("stopped")
        self.wave = wave


def waves_of(nodes: Sequence[int], sizes: Sequence[int] = (1, 5)) -> list[Wave]:
    """Return the nodes in waves: of these sizes first, then all the others."""
    waves, left = [], list(nodes)
    for size in sizes:
        if left:
            waves.append(Wave(tuple(left[:size])))
            left = left[size:]
    return [*waves, Wave(tuple(left))] if left else waves


class Offers:
    """A connection to a site's broker. Use it in `async with`. Raises aiomqtt.MqttError."""

    def __init__(self, site: str, broker: Broker) -> None:
        self._site = site
        self._client = Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            tls_context=broker.tls,
            timeout=10,
        )
        self.said: dict[int, str] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Offers":
        await self._client.__aenter__()
        await self._client.subscribe(f"sn/{self._site}/+/said", qos=1)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._listening:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._client.__aexit__(None, None, None)

    async def _listen(self) -> None:
        async for message in self._client.messages:
            node = str(message.topic).split("/")[2]
            if node.isdigit():
                text = bytes(message.payload).decode(errors="replace")[:200]
                self.said[int(node)] = "".join(c for c in text if c.isprintable())  # it ends on a terminal

    async def put(self, bundle: bytes, digest: str) -> None:
        """Have the broker keep the pieces."""
        for n, piece in enumerate(pieces(bundle)):
            topic = f"sn/{self._site}/fw/{digest[:8]}/{n}"
            await self._client.publish(topic, piece, qos=1, retain=True)

    async def offer(self, node: int, signed: bytes) -> None:
        """Offer an update to a node, or with b"" take the offer back."""
        await self._client.publish(f"sn/{self._site}/{node}/offer", signed, qos=1, retain=True)

    async def forget(self, node: int) -> None:
        """Drop what the node said before."""
        self.said.pop(node, None)
        await self._client.publish(f"sn/{self._site}/{node}/said", b"", qos=1, retain=True)

    async def roll_out(
        self,
        waves: Sequence[Wave],
        signed: bytes,
        version: str,
        running: Callable[[], Mapping[int, str]],
        patience_s: float,
        told: Callable[[Wave], None],
    ) -> None:
        """Offer wave after wave, each when the one before has come through. Raises Stopped.

        `running` says which version each node last reported, which it does only when the gateway answers:
        a node that reports the new one has confirmed it or is about to. A wave whose nodes are silent for
        `patience_s`, or that refuse, ends the whole, and those that have not begun are offered nothing more.
        """
        loop = asyncio.get_running_loop()
        for wave in waves:
            async with self._given_up_together(wave):
                wave.begun = True
                for node in wave.nodes:
                    await self.forget(node)
                    await self.offer(node, signed)
                end = loop.time() + patience_s
                while wave.waiting:
                    versions = running()
                    wave.done += [node for node in wave.waiting if versions.get(node) == version]
                    refusals = {
                        n: s for n, s in self.said.items() if n in wave.waiting and s.startswith(REFUSED)
                    }
                    wave.refused |= refusals
                    told(wave)
                    if wave.refused or loop.time() > end:
                        raise Stopped(wave)
                    if wave.waiting:
                        await asyncio.sleep(LOOK_S)

    @asynccontextmanager
    async def _given_up_together(self, wave: Wave) -> AsyncIterator[None]:
        """Take the offers of a wave back where it ends early: whoever says stop means the nodes too."""
        try:
            yield
        except (Stopped, asyncio.CancelledError):  # the latter is Ctrl-C
            for node in (*wave.refused, *wave.waiting):
                await self.offer(node, b"")
            raise
