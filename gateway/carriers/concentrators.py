"""All concentrators of one gateway, without a socket: datagrams in, uplinks and datagrams out."""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device_configs.radio_schema import Lora
from gateway.carriers import semtech
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink, Reception, Uplink

ROUTE_S = 60.0  # without a PULL_DATA for so long a concentrator can not be reached
CONCENTRATORS_MAX = 64  # anybody can make up one: the memory they take is bounded


@dataclass(slots=True)
class _Concentrator:
    heard_s: float
    address: tuple[str, int] | None = None  # where its PULL_DATA come from
    pulled_s: float = 0.0


class Forwarders:
    """`deliver` gets whole uplinks, `transmit` sends a datagram; `now_s` is a clock that never steps.

    `counts` has what was dropped, by cause.
    """

    def __init__(
        self,
        lora: Lora,
        receivers: Receivers,
        *,
        deliver: Callable[[Uplink], None],
        transmit: Callable[[bytes, tuple[str, int]], None],
        now_s: Callable[[], float],
    ) -> None:
        self._lora = lora
        self._receivers = receivers
        self._deliver = deliver
        self._transmit = transmit
        self._now_s = now_s
        self._concentrators: OrderedDict[str, _Concentrator] = OrderedDict()
        self.counts: Counter[str] = Counter()
        receivers.join(self)

    @property
    def connected(self) -> bool:
        """Whether a concentrator has been heard of lately."""
        return any(c.heard_s > self._now_s() - ROUTE_S for c in self._concentrators.values())

    # What comes in

    def datagram(self, raw: bytes, address: tuple[str, int]) -> None:
        """Take one datagram, whatever is in it."""
        try:
            self._take(raw, address)
        except semtech.Malformed as error:
            self.counts[f"dropped: {error}"] += 1

    def _take(self, raw: bytes, address: tuple[str, int]) -> None:
        datagram = semtech.read(raw)
        concentrator = self._known(datagram.eui)
        if concentrator is None:
            self.counts["dropped: too many concentrators"] += 1
            return
        answer = semtech.acknowledgement(raw)
        if answer is not None:
            self._transmit(answer, address)
        if datagram.kind == semtech.PULL_DATA:
            concentrator.address, concentrator.pulled_s = address, self._now_s()
        elif datagram.kind == semtech.TX_ACK:
            error = semtech.tx_error(datagram.body)
            if error is not None:
                self.counts[f"not sent: {error}"] += 1
        else:
            for entry in semtech.packets(datagram.body):
                try:
                    frame, reception = semtech.packet(entry, datagram.eui)
                except semtech.Malformed as error:
                    self.counts[f"dropped: {error}"] += 1
                else:
                    self._receivers.heard(self, frame, reception)

    def _known(self, eui: str) -> _Concentrator | None:
        now_s = self._now_s()
        found = self._concentrators.get(eui)
        if found is None:
            if len(self._concentrators) >= CONCENTRATORS_MAX:
                oldest = next(iter(self._concentrators))
                if self._concentrators[oldest].heard_s > now_s - ROUTE_S:
                    return None
                del self._concentrators[oldest]
            found = self._concentrators[eui] = _Concentrator(now_s)
        found.heard_s = now_s
        self._concentrators.move_to_end(eui)
        return found

    # As a group of receivers

    def deliver(self, uplink: Uplink) -> None:
        self._deliver(uplink)

    def lately(self, since_s: float) -> int:
        return sum(c.heard_s > since_s for c in self._concentrators.values())

    def hindrance(self, receiver: str) -> str | None:
        concentrator = self._concentrators[receiver]
        if concentrator.address is None or concentrator.pulled_s < self._now_s() - ROUTE_S:
            return "no way to the concentrator"
        return None

    def transmit(self, heard: Reception, frame: bytes, begin_us: int) -> None:
        address = self._concentrators[heard.receiver].address
        assert address is not None  # or there was a hindrance
        lora = self._lora
        datagram = semtech.pull_resp(
            secrets.token_bytes(2),
            frame,
            tmst=begin_us,
            frequency_khz=lora.downlink_khz,
            sf=heard.spreading_factor,
            bandwidth_khz=heard.bandwidth_khz,
            power_dbm=lora.downlink_power_dbm,
        )
        self._transmit(datagram, address)

    def send(self, downlinks: Sequence[Downlink]) -> None:
        """Plan `downlinks` for their receive windows, the most valuable first; some may find no place."""
        self._receivers.send(self, downlinks)
