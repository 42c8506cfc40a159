"""The two receiving processes that are compared: a whole gateway, and its MQTT client alone."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from gateway.app import Gateway, Settings
from gateway.carriers.mqtt import Broker, MqttCarrier
from gateway.model import Uplink
from gateway.store import STORE_NAME, Store
from tests.bench.traffic import GATEWAY_ID, SCHEMAS, SITE, key_of


@dataclass(frozen=True, slots=True)
class Received:
    """`done_s` is monotonic: the last frame's answer was handed over. Bytes of memory are the peak's."""

    done_s: float
    commits: int
    peak_rss_bytes: int


class _Counting(MqttCarrier):
    """The gateway's carrier; notes when `expected` uplinks are through, answers included."""

    def __init__(self, port: int, expected: int) -> None:
        super().__init__(SITE, Broker(port=port))
        self.taken = 0
        self.done_s = 0.0
        self.done = asyncio.Event()
        self._expected = expected

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        async with aclosing(super().uplinks()) as batches:
            async for batch in batches:
                self.taken += len(batch)
                yield batch
                self.check()

    def check(self) -> None:
        if self.taken >= self._expected and not self.done_s:
            self.done_s = time.monotonic()
            self.done.set()

    async def until_connected(self) -> None:
        async with asyncio.timeout(60):
            while not self.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def receive(port: int, expected: int, state: Path | None, nodes: Sequence[int], parent: Connection) -> None:
    """Receive `expected` frames; with `state` as a gateway that keeps its store there, else only count them.

    Sends None once it is connected, then Received.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(_receive(port, expected, state, nodes, parent))


async def _receive(
    port: int, expected: int, state: Path | None, nodes: Sequence[int], parent: Connection
) -> None:
    carrier = _Counting(port, expected)
    stop = asyncio.Event()
    if state is None:
        store = None
        running = asyncio.create_task(_count(carrier))
    else:
        store = Store.open(state / STORE_NAME)
        settings = Settings(
            SITE, GATEWAY_ID, {node: key_of(node) for node in nodes}, SCHEMAS, state, Broker(port=port)
        )
        running = asyncio.create_task(Gateway(settings, store, carriers=[carrier]).run(stop))
    await carrier.until_connected()
    parent.send(None)
    await carrier.done.wait()
    parent.send(Received(carrier.done_s, store.commits if store else 0, peak_rss_bytes()))
    if store:
        stop.set()
        await running
        await store.close()
    else:
        running.cancel()


def peak_rss_bytes() -> int:
    """Return the most memory this process had; getrusage would count what its parent had at the fork."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell VmHWM")


async def _count(carrier: _Counting) -> None:
    async with aclosing(carrier.uplinks()) as batches:
        async for _ in batches:
            pass
