"""What everybody may see: places and their measured values; of buildings only sums, and these late.

Nothing here names people, and nothing tells of nodes: no battery, no link, no faults, no alerts' holders.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.model import Site
from gateway.buildings import Sources
from gateway.energy.periods import Kind, local_day
from gateway.model import Reading, StoredRecord
from gateway.readings import WrongSchema
from gateway.store.energy_book import EnergyBook
from gateway.store.meter_hours import MeterHours
from gateway.web.concerns import Alert, Passed
from gateway.web.live import DAY_S, Live, NodeLive
from gateway.web.places import Place
from gateway.web.sheet import measured_keys
from wire.quantities import MISSING

UNSEEN = ("battery_", "spread_")  # what only concerns the node
HOURLY_DAYS, DAILY_DAYS = 60, 730
KEEP_S = 900.0
PAST_DAYS = 5 * 366  # how far back records are looked for
_STEP_DAYS = 7

History = Callable[[int, int, int], Iterable[StoredRecord]]


@dataclass(frozen=True, slots=True)
class Sum:
    """A building's electricity in an hour or a local day; `estimated_h` of its hours were estimated."""

    building: str
    start_s: int
    end_s: int
    kwh: float
    estimated_h: int


def public_site(site: Site) -> Site:
    """Return the site as everybody may know it: without buildings, meters, roles and numbers."""
    meters = {meter.node for building in site.buildings for meter in building.meters}
    nodes = tuple(n for n in site.nodes if n.id not in meters and "import_power_w" not in n.profile.keys)
    contact = site.contact.model_copy(update={"phone": None})
    here = {node.id for node in nodes}
    profiles = {node.profile.name for node in nodes}
    of_here = (r for r in site.rules if r.profile in profiles or here & set(r.nodes))
    rules = tuple(r for r in of_here if r.silent_for_s is None)
    return replace(
        site, nodes=nodes, buildings=(), initiatives=(), goals=(), events=(), recipients=(), contact=contact,
        rules=rules,
    )  # fmt: skip


def public_keys(place: Place) -> list[str]:
    """Return the keys of a place's values that everybody may see."""
    return [key for key in measured_keys(place) if not key.startswith(UNSEEN) and not key.endswith("loop_ua")]


def nameless(alerts: Iterable[Alert], nodes: Iterable[int]) -> list[Alert]:
    """Return the alerts at these nodes without who has them."""
    known = set(nodes)
    return [
        Passed(a.node, a.priority, a.since_s, a.respond_within_min, a.texts)
        for a in alerts
        if a.node in known
    ]


class PublicView:
    """Asked from any thread."""

    def __init__(
        self, site: Site, live: Live, records: History, state: Path | None, clock: Callable[[], float]
    ) -> None:
        self.whole = site
        self.site = public_site(site)
        self.clock = clock
        self._live = live
        self._records = records
        self._state = state
        self._lock = threading.Lock()
        self._kept: tuple[float, Sequence[Sum]] | None = None
        self.buildings = tuple(
            (b.id, b.name) for b in site.buildings if not b.dwelling and site.page.building_energy != "none"
        )

    def nodes(self) -> list[NodeLive]:
        """Return the places, by number."""
        known = {node.id for node in self.site.nodes}
        return [node for id_, node in sorted(self._live.nodes.items()) if id_ in known]

    def node(self, id_: int) -> NodeLive | None:
        return next((node for node in self.nodes() if node.place.id == id_), None)

    def readings(
        self, node: NodeLive, from_s: int, to_s: int, *, newest_first: bool = False
    ) -> Iterator[tuple[StoredRecord, dict[str, Reading]]]:
        """Yield the records of a place with their public readings. Raises StoreError."""
        first_s = max(from_s, int(self.clock()) - PAST_DAYS * DAY_S)
        last_s = min(to_s, int(self.clock()) + DAY_S)
        keys = set(public_keys(node.place))
        step = _STEP_DAYS * DAY_S
        steps = [(at, min(at + step, last_s)) for at in range(first_s, last_s, step)]
        for begin, end in reversed(steps) if newest_first else steps:
            records = list(self._records(node.place.id, begin, end))
            for record in reversed(records) if newest_first else records:
                try:
                    found = self._live.readings(node.place, record)
                except WrongSchema:
                    continue
                yield record, {r.key: r for r in found if r.key in keys and r.quality != MISSING}

    def sums(self) -> Sequence[Sum]:
        """Return the buildings' sums that may be public by now, by building and time. Raises StoreError."""
        with self._lock:
            if self._kept is None or self.clock() - self._kept[0] > KEEP_S:
                self._kept = self.clock(), self._sum()
            return self._kept[1]

    def _sum(self) -> Sequence[Sum]:
        if self._state is None or not self.buildings:
            return ()
        settings, zone = self.whole.page, ZoneInfo(self.whole.timezone)
        until_s = int(self.clock()) - settings.energy_delay_h * 3600
        today: date = local_day(int(self.clock()), zone)
        hourly = settings.building_energy == "hourly"
        first = today - timedelta(days=HOURLY_DAYS if hourly else DAILY_DAYS)
        meter_hours = MeterHours.read(self._state) or MeterHours.open(None, 0)
        book = EnergyBook.read(self._state)
        try:
            sources = Sources(self.whole, meter_hours, book)
            kind: Kind = "hour" if hourly else "day"
            return [
                Sum(id_, total.start_s, total.end_s, total.kwh, total.estimated)
                for id_, _ in self.buildings
                for total in sources.building(id_).totals(kind, first, today + timedelta(days=1))
                if total.end_s <= until_s and total.hours == total.expected
            ]
        finally:
            meter_hours.close()
            if book is not None:
                book.close()
