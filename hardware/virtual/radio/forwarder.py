"""The packet forwarder of a virtual concentrator. It speaks the Semtech protocol over real UDP.

Written from the protocol's text, apart from the gateway's reading of it.
"""

import asyncio
import base64
import json
import random
from collections.abc import Sequence
from typing import Any

from hardware.virtual.radio.concentrator import CHANNELS_KHZ, Concentrator, Heard
from hardware.virtual.radio.medium import Medium, Modulation

KEEPALIVE_S = 5.0


class Protocol:
    """What goes into datagrams and what comes out of them, without a socket: `transmit` sends one."""

    def __init__(
        self,
        eui: bytes,
        medium: Medium,
        position_m: tuple[float, float] = (0.0, 0.0),
        channels_khz: Sequence[int] = CHANNELS_KHZ,
    ) -> None:
        self.eui = eui
        self.concentrator = Concentrator(
            eui.hex(), medium, position_m, heard=self._heard, channels_khz=channels_khz
        )
        self.errors: list[str] = []
        self.acknowledged = 0
        self._token = random.Random(eui)  # noqa: S311

    def transmit(self, datagram: bytes) -> None:
        raise NotImplementedError

    def pull(self) -> None:
        """Open the way for downlinks."""
        self.transmit(self._head(2))

    def _head(self, kind: int) -> bytes:
        return b"\x02" + self._token.randbytes(2) + bytes((kind,)) + self.eui

    def _heard(self, heard: Heard) -> None:
        reception = heard.reception
        signal, modulation = reception.signal, reception.signal.modulation
        rxpk = {
            "tmst": heard.ticks_us,
            "chan": heard.channel,
            "rfch": heard.channel // 4,
            "freq": modulation.frequency_khz / 1000,
            "stat": 1 if reception.intact else -1,
            "modu": "LORA",
            "datr": f"SF{modulation.sf}BW{modulation.bw_khz}",
            "codr": "4/5",
            "rssi": round(reception.rssi_dbm),
            "lsnr": round(min(reception.snr_db, 14.0), 1),
            "size": len(signal.payload),
            "data": base64.b64encode(signal.payload).decode(),
        }
        self.transmit(self._head(0) + json.dumps({"rxpk": [rxpk]}).encode())

    def datagram(self, raw: bytes) -> None:
        """Take what the gateway sent."""
        kind = raw[3]
        if kind in (1, 4):
            self.acknowledged += 1
        elif kind == 3:
            error = self._plan(json.loads(raw[4:])["txpk"])
            if error:
                self.errors.append(error)
            body = json.dumps({"txpk_ack": {"error": error or "NONE"}}).encode()
            self.transmit(b"\x02" + raw[1:3] + b"\x05" + self.eui + body)

    def _plan(self, txpk: dict[str, Any]) -> str | None:
        sf, bw = txpk["datr"].removeprefix("SF").split("BW")
        modulation = Modulation(round(txpk["freq"] * 1000), int(sf), int(bw), bool(txpk["ipol"]))
        payload = base64.b64decode(txpk["data"], validate=True)
        assert len(payload) == txpk["size"]
        return self.concentrator.plan(payload, modulation, txpk["powe"], txpk["tmst"])


class VirtualForwarder(Protocol, asyncio.DatagramProtocol):
    """A concentrator with its forwarder; `async with` it, or `open` and `close`."""

    def __init__(
        self,
        eui: bytes,
        medium: Medium,
        server: tuple[str, int],
        position_m: tuple[float, float] = (0.0, 0.0),
        channels_khz: Sequence[int] = CHANNELS_KHZ,
    ) -> None:
        super().__init__(eui, medium, position_m, channels_khz)
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None
        self._pulling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=self._server)
        self._pulling = asyncio.create_task(self._pull(), name="packet forwarder")

    async def _pull(self) -> None:
        while True:
            self.pull()
            await asyncio.sleep(KEEPALIVE_S)

    def close(self) -> None:
        self.concentrator.stop()
        if self._pulling:
            self._pulling.cancel()
        if self._transport:
            self._transport.close()
        self._transport = None

    def transmit(self, datagram: bytes) -> None:
        if self._transport:
            self._transport.sendto(datagram)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.datagram(data)

    def error_received(self, exc: Exception) -> None:
        """The gateway is away; it will be back."""
