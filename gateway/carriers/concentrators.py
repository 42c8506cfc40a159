"""All concentrators of one gateway, without a socket: datagrams in, uplinks and datagrams out.

What several concentrators heard of one frame is one uplink with all their receptions. An answer goes to the
one that heard it best, in the node's receive window, within that concentrator's airtime.
"""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from device_configs.radio_schema import Lora
from gateway.carriers import semtech
from gateway.carriers.duty import Duty
from gateway.clock import utc_ms
from gateway.model import Downlink, Reception, Uplink
from wire.airtime import airtime_ms
from wire.frame import ACK_REQUESTED

MERGE_S = 0.12  # how long a frame waits for other concentrators that heard it; an answer is due in 1 s
ALONE_S = 60.0  # a concentrator that has been the only one for so long keeps nothing waiting
ROUTE_S = 60.0  # without a PULL_DATA for so long a concentrator can not be reached
CONCENTRATORS_MAX = 64  # anybody can make up one: the memory they take is bounded
PENDING_MAX = 4096
LEAD_US = 50_000  # a concentrator wants to have a packet this long before it is to be sent


class Later(Protocol):
    def __call__(self, seconds: float, call: Callable[[], None]) -> object: ...


@dataclass(slots=True)
class _Concentrator:
    heard_s: float
    address: tuple[str, int] | None = None  # where its PULL_DATA come from
    pulled_s: float = 0.0
    planned: list[tuple[int, int]] = field(default_factory=list)  # begin and end on its clock, in µs


@dataclass(slots=True)
class _Merging:
    received_at_ms: int
    receptions: list[Reception]


class Forwarders:
    """`deliver` gets whole uplinks, `transmit` sends a datagram, `later` calls after some seconds.

    `now_s` is a clock that never steps. `counts` has what was dropped, by cause.
    """

    def __init__(
        self,
        lora: Lora,
        duty: Duty,
        *,
        deliver: Callable[[Uplink], None],
        transmit: Callable[[bytes, tuple[str, int]], None],
        later: Later,
        now_s: Callable[[], float],
        now_ms: Callable[[], int] = utc_ms,
        name: str = "lora",
    ) -> None:
        self._lora = lora
        self._duty = duty
        self._deliver = deliver
        self._transmit = transmit
        self._later = later
        self._now_s = now_s
        self._now_ms = now_ms
        self._name = name
        self._concentrators: OrderedDict[str, _Concentrator] = OrderedDict()
        self._merging: dict[bytes, _Merging] = {}
        self.counts: Counter[str] = Counter()

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
                    self._heard(frame, reception)

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

    def _heard(self, frame: bytes, reception: Reception) -> None:
        merging = self._merging.get(frame)
        if merging is not None:
            if all(r.receiver != reception.receiver for r in merging.receptions):
                merging.receptions.append(reception)
            else:
                self.counts["dropped: repeated"] += 1
            return
        if len(self._merging) >= PENDING_MAX:
            self.counts["dropped: too many at once"] += 1
            return
        self._merging[frame] = _Merging(self._now_ms(), [reception])
        lately = self._now_s() - ALONE_S
        if sum(c.heard_s > lately for c in self._concentrators.values()) > 1:
            self._later(MERGE_S, lambda: self._whole(frame))
        else:
            self._whole(frame)

    def _whole(self, frame: bytes) -> None:
        merged = self._merging.pop(frame)
        best, *others = sorted(merged.receptions, key=lambda r: (-r.snr_db, -r.rssi_dbm))
        self.counts["uplinks"] += 1
        self.counts["merged"] += len(others)
        self._deliver(
            Uplink(
                frame,
                merged.received_at_ms,
                self._name,
                best.rssi_dbm,
                best.snr_db,
                (best, *others),
                airtime_ms(len(frame), best.spreading_factor, best.bandwidth_khz),
                self._lora.answer_delay_ms,
            )
        )

    # What goes out

    def send(self, downlinks: Sequence[Downlink]) -> None:
        """Plan `downlinks` for their receive windows, the most valuable first; some may find no place."""
        for downlink in sorted(downlinks, key=lambda d: -d.value):
            uplink = downlink.answers
            if uplink is None or not uplink.receptions or not uplink.frame[0] & ACK_REQUESTED:
                self.counts["not sent: nobody listens"] += 1
                continue
            cause: str | None = None
            for reception in uplink.receptions:  # the best first
                cause = self._plan(downlink, uplink, reception)
                if cause is None:
                    break
            self.counts["downlinks" if cause is None else f"not sent: {cause}"] += 1

    def _plan(self, downlink: Downlink, uplink: Uplink, heard: Reception) -> str | None:
        """Hand a downlink to the concentrator of one reception; return why not, None where it is done."""
        concentrator = self._concentrators.get(heard.receiver)
        if concentrator is None or concentrator.address is None:
            return "no way to the concentrator"
        if concentrator.pulled_s < self._now_s() - ROUTE_S:
            return "no way to the concentrator"
        lora = self._lora
        delay_us = lora.answer_delay_ms * 1000
        if (self._now_ms() - uplink.received_at_ms) * 1000 > delay_us - LEAD_US:
            return "too late"
        ms = airtime_ms(len(downlink.frame), heard.spreading_factor, heard.bandwidth_khz)
        if not self._duty.allows(heard.receiver, ms, downlink.value):
            return "no airtime"
        begin = (heard.ticks_us + delay_us) % semtech.TMST
        planned = [p for p in concentrator.planned if _apart(p[1], heard.ticks_us) > -semtech.TMST // 8]
        if any(
            _apart(begin, end) < 0 and _apart(begin + ms * 1000, start) > 0 for start, end in planned[-64:]
        ):
            return "another one is being sent"
        concentrator.planned = [*planned[-63:], (begin, begin + ms * 1000)]
        self._duty.spend(heard.receiver, ms)
        datagram = semtech.pull_resp(
            secrets.token_bytes(2),
            downlink.frame,
            tmst=begin,
            frequency_khz=lora.downlink_khz,
            sf=heard.spreading_factor,
            bandwidth_khz=heard.bandwidth_khz,
            power_dbm=lora.downlink_power_dbm,
        )
        self._transmit(datagram, concentrator.address)
        return None


def _apart(a: int, b: int) -> int:
    """Return a - b on a clock of 32 bits."""
    return (a - b + semtech.TMST // 2) % semtech.TMST - semtech.TMST // 2
