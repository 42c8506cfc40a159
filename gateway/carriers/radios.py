"""Which radios a gateway listens to, and the carriers that come of it."""

from dataclasses import dataclass
from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.carriers import Carrier
from gateway.carriers.duty import Duty
from gateway.carriers.packet_forwarder import PacketForwarderCarrier
from gateway.clock import utc_ms

AIRTIME_NAME = "airtime.json"


@dataclass(frozen=True, slots=True)
class Radios:
    """`packet_forwarder` is where concentrators report to."""

    lora: Lora
    packet_forwarder: tuple[str, int] | None = None

    def carriers(self, state: Path) -> list[Carrier]:
        """Return a carrier for each; what they have used of the airtime is kept in the `state` directory."""
        duty = Duty(
            self.lora.downlink_khz, self.lora.bandwidth_khz, lambda: utc_ms() // 1000, state / AIRTIME_NAME
        )
        found: list[Carrier] = []
        if self.packet_forwarder is not None:
            host, port = self.packet_forwarder
            found.append(PacketForwarderCarrier(self.lora, duty, host=host, port=port))
        return found
