"""Which radios a gateway listens to, and the carriers that come of it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.carriers import Carrier
from gateway.carriers.bridge import BridgeCarrier
from gateway.carriers.duty import Duty
from gateway.carriers.packet_forwarder import PacketForwarderCarrier
from gateway.carriers.receivers import Receivers
from gateway.clock import utc_ms

AIRTIME_NAME = "airtime.json"


@dataclass(frozen=True, slots=True)
class Radios:
    """`packet_forwarder` is where concentrators report to, `bridges` the serial ports of USB bridges."""

    lora: Lora
    packet_forwarder: tuple[str, int] | None = None
    bridges: tuple[str, ...] = ()

    def carriers(self, state: Path) -> list[Carrier]:
        """Return a carrier for each; what they have used of the airtime is kept in the `state` directory."""
        receivers = receivers_of(self.lora, state / AIRTIME_NAME)
        found: list[Carrier] = []
        if self.packet_forwarder is not None:
            host, port = self.packet_forwarder
            found.append(PacketForwarderCarrier(self.lora, receivers, host=host, port=port))
        return [*found, *(BridgeCarrier(self.lora, receivers, port) for port in self.bridges)]


def receivers_of(lora: Lora, airtime: Path | None = None) -> Receivers:
    """Return what puts the receivers of a running event loop together; `airtime`: see `Duty`."""
    loop = asyncio.get_running_loop
    return Receivers(
        lora,
        Duty(lora.downlink_khz, lora.bandwidth_khz, lambda: utc_ms() // 1000, airtime),
        later=lambda seconds, call: loop().call_later(seconds, call),
        now_s=lambda: loop().time(),
    )
