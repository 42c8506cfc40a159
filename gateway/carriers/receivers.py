"""Everything that hears one gateway's nodes by radio, put together: concentrators and bridges alike.

What several receivers heard of one frame is one uplink with all their receptions. An answer goes to the one
that heard it best, in the node's receive window, within that transmitter's airtime.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from device_configs.radio_schema import Lora
from gateway.carriers.duty import Duty
from gateway.clock import utc_ms
from gateway.model import Downlink, Reception, Uplink
from wire.airtime import airtime_ms
from wire.frame import ACK_REQUESTED

MERGE_S = 0.12  # how long a frame waits for other receivers that heard it; an answer is due in 1 s
ALONE_S = 60.0  # a receiver that has been the only one for so long keeps nothing waiting
PENDING_MAX = 4096
TRANSMITTERS_MAX = 128  # whose plans are remembered
NO_AIRTIME = "no airtime"
CARRIER = "lora"  # of its uplinks, whatever kind of receiver heard them
LEAD_US = 50_000  # a transmitter wants to have a packet this long before it is to be sent
TICKS = 1 << 32  # where a receiver's clock of µs comes round


class Later(Protocol):
    def __call__(self, seconds: float, call: Callable[[], None]) -> object: ...


class Group(Protocol):
    """Receivers that are reached the same way: all concentrators by UDP, or one bridge on its cable."""

    counts: Counter[str]

    def deliver(self, uplink: Uplink) -> None:
        """Take a whole uplink of which this group heard first."""

    def lately(self, since_s: float) -> int:
        """Return how many of them have been heard of since."""
        ...

    def hindrance(self, receiver: str) -> str | None:
        """Return why `receiver` can send nothing. KeyError where it belongs to another group."""
        ...

    def transmit(self, heard: Reception, frame: bytes, begin_us: int) -> None:
        """Have the receiver of `heard` send `frame` when its clock shows `begin_us`."""


@dataclass(slots=True)
class _Merging:
    received_at_ms: int
    receptions: list[Reception]
    group: Group


class Receivers:
    """`later` calls after some seconds, `now_s` is a clock that never steps."""

    def __init__(
        self,
        lora: Lora,
        duty: Duty,
        *,
        later: Later,
        now_s: Callable[[], float],
        now_ms: Callable[[], int] = utc_ms,
    ) -> None:
        self._lora = lora
        self._duty = duty
        self._later = later
        self._now_s = now_s
        self._now_ms = now_ms
        self._groups: list[Group] = []
        self._merging: dict[bytes, _Merging] = {}
        self._planned: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()  # begin and end, in µs

    def join(self, group: Group) -> None:
        """Count a group in."""
        self._groups.append(group)

    # What comes in

    def heard(
        self, group: Group, frame: bytes, reception: Reception, received_at_ms: int | None = None
    ) -> None:
        """A receiver of `group` has heard `frame`; not just now where `received_at_ms` says so."""
        merging = self._merging.get(frame)
        if merging is not None:
            if all(r.receiver != reception.receiver for r in merging.receptions):
                merging.receptions.append(reception)
            else:
                group.counts["dropped: repeated"] += 1
            return
        if len(self._merging) >= PENDING_MAX:
            group.counts["dropped: too many at once"] += 1
            return
        at_ms = self._now_ms() if received_at_ms is None else received_at_ms
        self._merging[frame] = _Merging(at_ms, [reception], group)
        lately = self._now_s() - ALONE_S
        if sum(group.lately(lately) for group in self._groups) > 1:
            self._later(MERGE_S, lambda: self._whole(frame))
        else:
            self._whole(frame)

    def _whole(self, frame: bytes) -> None:
        merged = self._merging.pop(frame)
        best, *others = sorted(merged.receptions, key=lambda r: (-r.snr_db, -r.rssi_dbm))
        merged.group.counts["uplinks"] += 1
        merged.group.counts["merged"] += len(others)
        merged.group.deliver(
            Uplink(
                frame,
                merged.received_at_ms,
                CARRIER,
                best.rssi_dbm,
                best.snr_db,
                (best, *others),
                airtime_ms(len(frame), best.spreading_factor, best.bandwidth_khz),
                self._lora.answer_delay_ms,
            )
        )

    # What goes out

    def send(self, group: Group, downlinks: Sequence[Downlink]) -> None:
        """Plan `downlinks` for their receive windows, the most valuable first; some may find no place.

        They answer what `group` delivered; another one may have heard it better.
        """
        for downlink in sorted(downlinks, key=lambda d: -d.value):
            uplink = downlink.answers
            if uplink is None or not uplink.receptions or not uplink.frame[0] & ACK_REQUESTED:
                group.counts["not sent: nobody listens"] += 1
                continue
            cause = self._place(downlink.frame, 0 if downlink.short else downlink.value, uplink)
            if cause == NO_AIRTIME and downlink.short:
                group.counts["shortened"] += 1
                cause = self._place(downlink.short, downlink.value, uplink)
            group.counts["downlinks" if cause is None else f"not sent: {cause}"] += 1

    def _place(self, frame: bytes, value: int, uplink: Uplink) -> str | None:
        """Find a receiver that can send `frame` in time; return why not, None where it is done."""
        cause: str | None = None
        for reception in uplink.receptions:  # the best first
            cause = self._plan(frame, value, uplink, reception)
            if cause is None:
                break
        return cause

    def _of(self, receiver: str) -> tuple[Group | None, str | None]:
        """Return the group of a receiver, and what hinders it."""
        for group in self._groups:
            try:
                return group, group.hindrance(receiver)
            except KeyError:
                continue
        return None, "no way to the receiver"

    def _plan(self, frame: bytes, value: int, uplink: Uplink, heard: Reception) -> str | None:
        """Hand a frame to the receiver of one reception; return why not, None where it is done."""
        group, hindrance = self._of(heard.receiver)
        if group is None or hindrance is not None:
            return hindrance
        delay_us = self._lora.answer_delay_ms * 1000
        if (self._now_ms() - uplink.received_at_ms) * 1000 > delay_us - LEAD_US:
            return "too late"
        ms = airtime_ms(len(frame), heard.spreading_factor, heard.bandwidth_khz)
        if not self._duty.allows(heard.receiver, ms, value):
            return NO_AIRTIME
        begin = (heard.ticks_us + delay_us) % TICKS
        end = begin + ms * 1000
        planned = [
            p for p in self._planned.get(heard.receiver, ()) if _apart(p[1], heard.ticks_us) > -TICKS // 8
        ]
        if any(_apart(begin, other) < 0 and _apart(end, start) > 0 for start, other in planned[-64:]):
            return "another one is being sent"
        self._planned[heard.receiver] = [*planned[-63:], (begin, end)]
        self._planned.move_to_end(heard.receiver)
        while len(self._planned) > TRANSMITTERS_MAX:
            self._planned.popitem(last=False)
        self._duty.spend(heard.receiver, ms)
        group.transmit(heard, frame, begin)
        return None


def _apart(a: int, b: int) -> int:
    """Return a - b on a clock of 32 bits."""
    return (a - b + TICKS // 2) % TICKS - TICKS // 2
