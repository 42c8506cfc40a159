"""The LoRa carrier of concentrators: any standard packet forwarder, over UDP."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import structlog

from device_configs.radio_schema import Lora
from gateway.carriers.concentrators import Forwarders
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink, Uplink

log = structlog.get_logger()

INBOX_MAX = 4096
REBIND_S = 2.0


class PacketForwarderCarrier(asyncio.DatagramProtocol):
    """The socket that packet forwarders send to (`gateway_conf.server_address`, port 1700 by custom)."""

    name = "lora"

    def __init__(
        self, lora: Lora, receivers: Receivers, *, host: str = "127.0.0.1", port: int = 1700
    ) -> None:
        self._where = (host, port)
        self._address = f"{host}:{port}"
        self._transport: asyncio.DatagramTransport | None = None
        self._inbox: asyncio.Queue[Uplink] = asyncio.Queue(INBOX_MAX)
        self.forwarders = Forwarders(
            lora,
            receivers,
            deliver=self._deliver,
            transmit=self._transmit,
            now_s=lambda: asyncio.get_running_loop().time(),
        )

    @property
    def connected(self) -> bool:
        return self._transport is not None and self.forwarders.connected

    @property
    def counts(self) -> Counter[str]:
        """What was dropped and not sent, by cause."""
        return self.forwarders.counts

    def _deliver(self, uplink: Uplink) -> None:
        try:
            self._inbox.put_nowait(uplink)
        except asyncio.QueueFull:
            self.counts["dropped: too many at once"] += 1

    def _transmit(self, datagram: bytes, address: tuple[str, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(datagram, address)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.forwarders.datagram(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A forwarder is not there any more; its next PULL_DATA brings it back."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        """Yield what has arrived since the last time, at least one; for ever."""
        try:
            while True:
                if self._transport is None:
                    await self._bind()
                batch = [await self._inbox.get()]
                while not self._inbox.empty():
                    batch.append(self._inbox.get_nowait())
                yield batch
        finally:
            if self._transport is not None:
                self._transport.close()

    async def _bind(self) -> None:
        while True:
            try:
                transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: self, local_addr=self._where
                )
            except OSError as error:
                log.warning("packet_forwarder_port", address=self._address, reason=str(error))
                await asyncio.sleep(REBIND_S)
            else:
                self._transport = transport
                log.info("packet_forwarder_port_open", address=self._address)
                return

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        """Send `downlinks` in their receive windows."""
        self.forwarders.send(downlinks)
