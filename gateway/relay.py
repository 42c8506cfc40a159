"""Hands frames of other sites' nodes, heard here by radio, to their home's broker, and sends its answers.

Nothing is kept: what can not be handed on at once is dropped, as if it had not been heard here. The node then
has its records still, and the next way they take is as good.
"""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import structlog
from aiomqtt import Client, MqttError

from device_configs.relay_schema import Relay as Home
from gateway.carriers.mqtt import BACKOFF_MIN_S, Broker, next_backoff_s
from gateway.clock import utc_ms
from gateway.model import Downlink, Uplink
from gateway.relayed import NotRelayed, pack_uplink, read_downlink, topic
from wire.frame import FrameError, parse_header

log = structlog.get_logger()

FOLDER = "relay"
QUEUE_MAX = 256
FRESH_MS = 5000  # what is older is not handed on: the home takes its arrival for the moment it was heard
WAITING_MS = 10_000  # how long an uplink's receive window may be ahead

Send = Callable[[Sequence[Downlink]], Awaitable[None]]


class Relay:
    """The way to one home site. `send` puts answers on the air; `counts` has what became of the frames."""

    def __init__(self, home: Home, broker: Broker, send: Send, *, now_ms: Callable[[], int] = utc_ms) -> None:
        self.name = f"relay to {home.site}"
        self.counts: Counter[str] = Counter()
        self._home = home
        self._broker = broker
        self._send = send
        self._now_ms = now_ms
        self._queue: asyncio.Queue[Uplink] = asyncio.Queue(QUEUE_MAX)
        self._waiting: deque[Uplink] = deque(maxlen=QUEUE_MAX)
        self.connected = False

    def offer(self, uplink: Uplink) -> None:
        """Take an uplink that is none of our nodes', if the home's it may be."""
        try:
            node = parse_header(uplink.frame).node
        except FrameError:
            return
        if self._home.nodes and node not in self._home.nodes:
            return
        if not self.connected or self._queue.full():
            self.counts["dropped: no way to the home"] += 1
            return
        self._queue.put_nowait(uplink)

    async def run(self) -> None:
        """Keep the way open, for ever."""
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                async with self._broker.client() as client:
                    await client.subscribe(topic(self._home.site, self._home.name, "down"), qos=0)
                    log.info("relay_connected", home=self._home.site, broker=str(self._broker))
                    self.connected = True
                    backoff_s = BACKOFF_MIN_S
                    await self._both(client)
            except (MqttError, OSError) as error:
                log.warning("relay_unreachable", home=self._home.site, reason=str(error))
            finally:
                self.connected = False
            while not self._queue.empty():
                self._queue.get_nowait()
                self.counts["dropped: no way to the home"] += 1
            await asyncio.sleep(backoff_s)
            backoff_s = next_backoff_s(backoff_s)

    async def _both(self, client: Client) -> None:
        """Hand on until the connection fails; what ends one direction ends the other."""
        ways = [asyncio.ensure_future(way) for way in (self._hand_on(client), self._answer(client))]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _hand_on(self, client: Client) -> None:
        up = topic(self._home.site, self._home.name, "up")
        while True:
            uplink = await self._queue.get()
            if self._now_ms() - uplink.received_at_ms > FRESH_MS:
                self.counts["dropped: too old"] += 1
                continue
            self._waiting.append(uplink)
            await client.publish(up, pack_uplink(uplink), qos=0)
            self.counts["handed on"] += 1

    async def _answer(self, client: Client) -> None:
        async for message in client.messages:
            oldest_ms = self._now_ms() - WAITING_MS
            while self._waiting and self._waiting[0].received_at_ms < oldest_ms:
                self._waiting.popleft()
            try:
                downlink = read_downlink(message.payload, self._waiting)
            except NotRelayed as error:
                self.counts[f"dropped: {error}"] += 1
                continue
            if downlink is None:
                self.counts["dropped: answers nothing"] += 1
                continue
            self.counts["answers"] += 1
            await self._send([downlink])


def brokers(homes: Iterable[Home], state: Path) -> list[tuple[Home, Broker]]:
    """Return the homes whose certificate and password are there; what is missing is logged.

    A gateway does its own site's work whether or not it can help another.
    """
    found = []
    for home in homes:
        folder = state / FOLDER
        ca, secret = folder / f"{home.site}.pem", folder / f"{home.site}.password"
        host, _, port = home.broker.rpartition(":")
        try:
            tls = ssl.create_default_context(cafile=str(ca))
            password = secret.read_text().strip()
        except OSError as error:  # SSLError is one
            log.error("relay_not_ready", home=home.site, files=f"{ca}, {secret}", reason=str(error))  # noqa: TRY400
            continue
        found.append((home, Broker(host, int(port), f"relay-{home.name}", password, tls)))
    return found
