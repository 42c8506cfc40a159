"""The MQTT carrier: nodes on Wi-Fi, through a broker.

QoS 0 and clean sessions on purpose: a frame is safe when the gateway's own ACK says so, not when a broker
has it, and a frame that the broker kept for later would only be refused as a replay.
"""

import asyncio
import math
import random
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from aiomqtt import Client, Message, MqttError

from gateway.clock import utc_ms
from gateway.model import FRAME_MAX, Downlink, Uplink
from gateway.relayed import NotRelayed, pack_downlink, read_uplink, topic

log = structlog.get_logger()

INBOX_MAX = 20_000  # messages; what comes on top is dropped, and the nodes send it again
UPLINKS_MAX = 2048  # of one batch: bounds how long a flood keeps others from the event loop
SEND_TOGETHER = 16  # publications handed over at once share the way through the event loop
SEND_TIMEOUT_S = 10.0
BACKOFF_MIN_S = 0.5
BACKOFF_MAX_S = 30.0
KEEPALIVE_S = 30


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach the broker. `tls` is the context to verify it with; None: no TLS."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self, **more: Any) -> Client:
        """Return a client of it that the broker keeps nothing for; `more` goes to aiomqtt as it is."""
        return Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            tls_context=self.tls,
            clean_session=True,
            keepalive=KEEPALIVE_S,
            **more,
        )


def next_backoff_s(backoff_s: float) -> float:
    """Return the wait after this one: spread out, so that not all clients come back to a broker at once."""
    return min(backoff_s * random.uniform(1.5, 2.5), BACKOFF_MAX_S)  # noqa: S311


class MqttCarrier:
    """Uplinks from `sn/<site>/<node>/up`, downlinks to `sn/<site>/<node>/down`.

    What another site's gateway heard of our nodes by radio comes from `sn/<site>/relay/<name>/up`, and what
    it is answered goes to .../down: see gateway/relay.py, the other end.
    """

    name = "mqtt"

    def __init__(self, site: str, broker: Broker, *, now_ms: Callable[[], int] = utc_ms) -> None:
        self._site = site
        self._broker = broker
        self._now_ms = now_ms
        self._client: Client | None = None
        self._relays = f"sn/{site}/relay/"
        self.counts: Counter[str] = Counter()

    @property
    def connected(self) -> bool:
        """Whether uplinks can arrive: there is a connection, and the broker has the subscription."""
        return self._client is not None

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        """Yield what has arrived since the last time, at least one; reconnect for ever."""
        backoff_s = BACKOFF_MIN_S
        while True:
            inbox: asyncio.Queue[Message] = asyncio.Queue(INBOX_MAX)
            try:
                async with self._new_client(inbox) as client:
                    await client.subscribe([(f"sn/{self._site}/+/up", 0), (topic(self._site, "+", "up"), 0)])
                    log.info("broker_connected", broker=str(self._broker))
                    self._client = client
                    backoff_s = BACKOFF_MIN_S
                    messages = client.messages
                    while True:
                        if batch := await self._batch(await anext(messages), inbox):
                            yield batch
            except MqttError as error:
                log.warning(
                    "broker_unreachable",
                    broker=str(self._broker),
                    reason=str(error),
                    retry_s=round(backoff_s, 1),
                )
            finally:
                self._client = None
            await asyncio.sleep(backoff_s)
            backoff_s = next_backoff_s(backoff_s)

    def _new_client(self, inbox: "asyncio.Queue[Message]") -> Client:
        # Its own iterator spends a task on each message; what waits behind the first is taken from here.
        queue_type = cast("type[asyncio.Queue[Message]]", lambda maxsize: inbox)
        client = self._broker.client(queue_type=queue_type)
        client.pending_calls_threshold = SEND_TOGETHER
        return client

    async def _batch(self, first: Message, inbox: "asyncio.Queue[Message]") -> list[Uplink]:
        """Return `first` and what follows it without a pause, so that a flood shares commits and answers."""
        batch: list[Uplink] = []
        message = first
        while True:
            uplink = self._uplink(message)
            if uplink is not None:
                batch.append(uplink)
            if len(batch) >= UPLINKS_MAX:
                break
            if inbox.empty():
                await asyncio.sleep(0)  # lets the next message in, if it is there already
                if inbox.empty():
                    break
            message = inbox.get_nowait()
        return batch

    def _uplink(self, message: Message) -> Uplink | None:
        where = message.topic.value
        if where.startswith(self._relays):
            try:
                return read_uplink(message.payload, where[len(self._relays) :].split("/")[0], self._now_ms())
            except NotRelayed as error:
                self.counts[f"dropped: {error}"] += 1
                return None
        # One byte more than allowed is enough to refuse it by.
        return Uplink(message.payload[: FRAME_MAX + 1], self._now_ms(), self.name)

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        """Publish `downlinks`; without a connection they are dropped."""
        client = self._client
        if client is None:
            return
        for i in range(0, len(downlinks), SEND_TOGETHER):
            try:
                await self._publish(client, downlinks[i : i + SEND_TOGETHER])
            except (MqttError, TimeoutError) as error:
                reason = str(error) or f"nothing was sent within {SEND_TIMEOUT_S:g} s"
                log.warning("downlinks_not_sent", count=len(downlinks) - i, reason=reason)
                return

    async def _publish(self, client: Client, downlinks: Sequence[Downlink]) -> None:
        """Hand all of `downlinks` over to the socket. Raises MqttError, TimeoutError."""
        # One time-out for all: each of the client's own would be a task, and cost more than the publication.
        async with asyncio.timeout(SEND_TIMEOUT_S):
            sent = await asyncio.gather(
                *(client.publish(*self._publication(d), timeout=math.inf) for d in downlinks),
                return_exceptions=True,
            )
        for error in sent:
            if error is not None:
                raise error

    def _publication(self, downlink: Downlink) -> tuple[str, bytes]:
        """Return the topic and the payload that bring a downlink to its node."""
        uplink = downlink.answers
        if uplink is not None and uplink.via:
            return topic(self._site, uplink.via, "down"), pack_downlink(downlink)
        return f"sn/{self._site}/{downlink.node}/down", downlink.frame
