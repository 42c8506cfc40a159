"""What the energy pages show, reckoned beside them and kept while nothing can have changed. It only reads."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import apsw

from device_configs.building_schema import Building, EventPeriod, Meter
from device_configs.model import Site
from device_configs.tariff import tariffs
from gateway.building_report import (
    BuildingState,
    MonthReport,
    building_state,
    by_attention,
    counts_for_goals,
    goal_counts,
    measure_result,
    month_report,
    period_figures,
    year_co2,
)
from gateway.buildings import BuildingEnergy, Sources, factors
from gateway.energy.et_curve import Curve, Day, Days, filtered
from gateway.energy.expected_hour import ExpectedHours, expected_hours
from gateway.energy.figures import duration_curve, heat_map, idle_share
from gateway.energy.hours import HOUR_S
from gateway.energy.peaks import MonthCharge, month_charges
from gateway.energy.periods import first_day, local_day, next_first
from gateway.energy.projection import Projection, extra_ore, project
from gateway.model import RegisterEvent, StoredRecord
from gateway.store.change import StoreError
from gateway.store.damage import blamed
from gateway.store.energy_book import FILE_NAME, HINT, EnergyBook
from gateway.store.meter_hours import FILE_NAME as METERS
from gateway.store.meter_hours import POWER_KEY, MeterHours
from gateway.web.energy_charts import EtDrawing, duration_drawing, et_drawing, heat_drawing
from gateway.web.energy_compare import Comparison, Span, compare
from gateway.web.energy_values import BuildingPage, EventEnergy, Measures, Overview, Sort, Warned
from gateway.web.meter_notes import MeterNote, meter_notes

KEEP_S = 900.0  # one building's page, apart from its running hour
KEEP_ALL_S = 3600.0  # what is made of whole days of all buildings
MONTHS_SHOWN = 13  # with as many before them, to hold them against
YEAR_DAYS = 365
KEPT_MAX = 100
SORTS: dict[Sort, Days] = {"all": "all", "workdays": "in use", "weekends": "idle"}

History = Callable[[int, int, int], Iterable[StoredRecord]]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class _Kept:
    """Something made at a time, from the book as it was then."""

    at_s: float
    book: int
    made: object


class EnergyView:
    """Asked from any thread; one reckons at a time.

    `records` reads a node's records from the store, `events` what happened to meters' registers.
    """

    def __init__(
        self,
        site: Site,
        state: Path,
        clock: Callable[[], float],
        records: History,
        events: Callable[[], Sequence[RegisterEvent]] = list,
    ) -> None:
        self.site = site
        self.state = state
        self._clock = clock
        self._records = records
        self._events = events
        self.zone = ZoneInfo(site.timezone)
        self._lock = threading.Lock()
        self.suspect = True  # whether meters.db is to be looked through before it is gone on with
        self.made_beside = False  # whether somebody calls `refresh` now and then
        self._so_far: Sequence[BuildingState] = ()
        self._kept: dict[tuple[object, date], _Kept] = {}

    def overview(self) -> Overview:
        """Return all buildings. Raises StoreError."""
        return self._made("overview", self._overview)

    def overview_now(self) -> Overview:
        """Return all buildings without waiting for what is made beside: the newest there is, else a part.

        Raises StoreError where nothing is made beside, and it had to be made here.
        """
        newest = self._newest()
        if newest is not None:
            return newest
        if not self.made_beside:
            return self.overview()
        so_far = self._so_far
        return Overview(by_attention(so_far), {}, len(self.site.buildings) - len(so_far))

    def expected_w(self, node: int) -> tuple[int, int] | None:
        """Return the power to expect of a node's building this hour; None if unknown or of more meters."""
        newest, building = self._newest(), None
        if newest is not None:
            mine = [b for b in self.site.buildings if [meter.node for meter in b.meters] == [node]]
            building = newest.hours.get(mine[0].id) if mine else None
        return building.at(self._clock()) if building else None

    def _newest(self) -> Overview | None:
        """Return the newest overview that was made, whatever its age."""
        kept = [kept for (name, _), kept in list(self._kept.items()) if name == "overview"]
        newest = max(kept, key=lambda each: each.at_s).made if kept else None
        return newest if isinstance(newest, Overview) else None

    def building(self, name: str, month: date | None) -> BuildingPage:
        """Return a building's page; without a month, of the running one. Raises KeyError and StoreError."""
        wanted = first_day(month or self.today, "month")
        return self._made((name, wanted), lambda sources: self._building(sources, name, wanted), KEEP_S)

    def report(self, month: date) -> Sequence[MonthReport]:
        """Return one month of every building. Raises StoreError."""
        wanted = first_day(month, "month")

        def make(sources: Sources) -> Sequence[MonthReport]:
            return [month_report(energy, wanted, self.today) for energy in sources.buildings()]

        return self._made(("report", wanted), make)

    def measures(self) -> Measures:
        """Return the register of initiatives. Raises StoreError."""
        return self._made("measures", self._measures)

    def compare(self, left: Span, right: Span) -> Comparison:
        """Return two spans of months side by side. Raises KeyError and StoreError."""
        return self._made(("compare", left, right), lambda sources: compare(sources, left, right, self.today))

    def now_s(self) -> float:
        return self._clock()

    def refresh(self) -> None:
        """Make anew what takes long before it gets too old, so that no reader waits. Raises StoreError.

        It is made building by building, with rests: others want this machine too.
        """
        self._refresh("overview", self._overview_in_slices)
        self._refresh("measures", self._measures)

    def _refresh(self, name: str, make: Callable[[Sources], object]) -> None:
        held = self._kept.get((name, self.today))
        if held is None or self._clock() - held.at_s > KEEP_ALL_S / 2 or held.book != self._book():
            kept = _Kept(self._clock(), self._book(), self._make(make))
            with self._lock:
                self._kept = {**self._kept, (name, self.today): kept}

    def warned(self, name: str) -> Warned | None:
        """Return what the running hour of a building will come to; None where that cannot be said."""
        building = next(building for building in self.site.buildings if building.id == name)
        month = first_day(self.today, "month")
        tariff = tariffs().get(building.tariff or "")
        version = tariff.at(month) if tariff else None
        now_s = int(self._clock())
        projections = [self._project(meter, now_s) for meter in building.meters]
        if version is None or not projections or any(p is None for p in projections):
            return None
        found = [p for p in projections if p is not None]
        sums = ("so_far_wh", "expected_wh", "low_wh", "high_wh")
        whole = Projection(found[0].start_s, *(sum(getattr(p, field) for p in found) for field in sums))
        charges = self._made(("charge", name), lambda sources: _charges(sources, name, month), KEEP_S)
        charge = next(iter(charges), None)
        if charge is None or not charge.peaks:
            return None  # the first hour of a month is its peak: that is no news
        # Of several peaks that count, passing the lowest of them already costs.
        limit = charge.peaks[-1].wh
        extra = extra_ore(charge.peaks, whole.expected_wh, whole.start_s, version, self.zone)
        return Warned(whole, limit, whole.outlook(limit), max(0, extra))

    def notes(self, building: Building) -> Sequence[MeterNote]:
        """Return what happened to a building's meters, the newest first. Raises StoreError."""
        return meter_notes(building, self.site.nodes, self._events())

    def notes_at(self, node: int) -> Sequence[MeterNote]:
        """Return what happened to the meter that a node reads; nothing where it reads none. StoreError."""
        mine = [b for b in self.site.buildings if any(meter.node == node for meter in b.meters)]
        return [note for building in mine for note in self.notes(building) if note.node.id == node]

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self._clock(), self.zone).date()

    def _made(self, name: object, make: Callable[[Sources], Made], keep_s: float = KEEP_ALL_S) -> Made:
        """Return what is kept under a name while it is fresh enough; else make it, one at a time.

        What takes long is served as it is after a change of the book: `refresh` makes it anew.
        """
        key = name, self.today
        held = self._kept.get(key)
        if held is None or not self._fresh(held, keep_s):
            with self._lock:
                held = self._kept.get(key)
                if held is None or not self._fresh(held, keep_s):
                    held = _Kept(self._clock(), self._book(), self._make(make))
                    young = [(k, v) for k, v in self._kept.items() if self._clock() - v.at_s <= KEEP_ALL_S]
                    self._kept = {**dict(young[-KEPT_MAX:]), key: held}
        return held.made  # type: ignore[return-value]

    def _fresh(self, held: "_Kept", keep_s: float) -> bool:
        same = keep_s == KEEP_ALL_S or held.book == self._book()
        return same and self._clock() - held.at_s <= keep_s

    def _book(self) -> int:
        """Return something that changes when energy.db does."""
        changed_ns = 0
        for file in (self.state / FILE_NAME, self.state / f"{FILE_NAME}-wal"):
            with suppress(OSError):  # it is not there, or not any more
                found = file.stat()
                if found.st_size:  # who reads first leaves an empty log behind: nothing was written
                    changed_ns = max(changed_ns, found.st_mtime_ns)
        return changed_ns

    def _make(self, make: Callable[[Sources], Made]) -> Made:
        with ExitStack() as stack:
            try:
                meter_hours = MeterHours.read(self.state) or MeterHours.open(None, 0)
                stack.enter_context(meter_hours)
                if (book := EnergyBook.read(self.state)) is not None:
                    stack.enter_context(book)
                return make(Sources(self.site, meter_hours, book))
            except StoreError:
                self.suspect = True
                raise
            except apsw.Error as error:
                self.suspect = True
                raise blamed([self.state / METERS, self.state / FILE_NAME], error, HINT) from error

    def _overview(self, sources: Sources, rest: Callable[[float], None] = lambda _: None) -> Overview:
        states: list[BuildingState] = []
        hours = {}
        for energy in sources.buildings():
            begun_s = time.thread_time()
            states.append(building_state(energy, self.today))
            if (found := _expected(energy, self.today)) is not None:
                hours[energy.building.id] = found
            self._so_far = tuple(states)
            rest(time.thread_time() - begun_s)
        answers = sources.book.answers() if sources.book else {}
        return Overview(by_attention(states), answers, hours=hours)

    def _overview_in_slices(self, sources: Sources) -> Overview:
        return self._overview(sources, time.sleep)

    def _building(self, sources: Sources, name: str, month: date) -> BuildingPage:
        energy, today = sources.building(name), self.today
        following = next_first(month, "month")
        first = first_day(month - timedelta(days=730), "month")
        until = min(following, today + timedelta(days=1))
        charges: Sequence[MonthCharge] = ()
        if energy.tariff is not None:
            charges = month_charges(energy.electricity, energy.tariff, self.zone, first, following)
        curve = energy.curve(today)
        year = [day for day in energy.days if today - timedelta(days=YEAR_DAYS) <= day.day < today]
        last = year[-1] if year else None
        hours = energy.between(today - timedelta(days=YEAR_DAYS), today)
        return BuildingPage(
            building=energy.building,
            state=building_state(energy, today),
            answer=sources.book.answers().get(name) if sources.book else None,
            month=month,
            months=_months(energy, today),
            hours=energy.between(month, following),
            figures=period_figures(energy, "month", first, max(until, month + timedelta(days=1))),
            charges=charges,
            idle_share=idle_share(hours, self.zone, energy.in_use),
            curve=curve,
            last=last,
            et={sort: _et(curve, filtered(year, which), last) for sort, which in SORTS.items()},
            co2_g=year_co2(energy, today),
            heat=heat_drawing(heat_map(energy.electricity, self.zone, month, following)),
            duration=duration_drawing(duration_curve(hours)),
        )

    def _measures(self, sources: Sources) -> Measures:
        energies = {energy.building.id: energy for energy in sources.buildings()}
        results = [
            measure_result(energies.get(i.building or ""), i, self.today) for i in self.site.initiatives
        ]
        drawings = {}
        for result in results:
            if (found := result.saving) and result.initiative.building:
                days = energies[result.initiative.building].days
                after = [day for day in days if found.from_day <= day.day <= found.to_day]
                if (drawn := et_drawing(found.baseline, after, None)) is not None:
                    drawings[result.initiative.id] = drawn
        events = [_event(e, event) for event in self.site.events for e in energies.values()]
        counts = {i.id: counts_for_goals(i) for i in self.site.initiatives}
        return Measures(results, drawings, goal_counts(self.site.initiatives), counts, events)

    def _project(self, meter: Meter, now_s: int) -> Projection | None:
        profile = self.site.node(meter.node).profile
        at = profile.keys.index(POWER_KEY)
        factor = factors(meter)[-1].factor
        start = now_s // HOUR_S * HOUR_S
        samples = []
        for record in self._records(meter.node, start - 600, now_s + 1):
            value = record.values[at] if len(record.values) == len(profile.channels) else None
            if value is not None and not record.quality[at]:
                samples.append((record.measured_at_s, round(value * factor)))
        return project(samples, now_s)


def _et(curve: Curve | None, days: Sequence[Day], last: Day | None) -> EtDrawing | None:
    """Draw days of one sort; the last whole day is marked where it is of that sort."""
    return et_drawing(curve, days, last if last in days else None) if curve else None


def _expected(energy: BuildingEnergy, today: date) -> ExpectedHours | None:
    curve = energy.curve(today)
    if curve is None:
        return None
    days = [day for day in energy.days if today - timedelta(days=YEAR_DAYS) <= day.day < today]
    hours = energy.between(today - timedelta(days=YEAR_DAYS), today)
    return expected_hours(curve, days, hours, energy.zone, energy.in_use)


def _charges(sources: Sources, name: str, month: date) -> Sequence[MonthCharge]:
    """Return a month's capacity charge so far, as the only entry; nothing without hours or a tariff."""
    energy = sources.building(name)
    if energy.tariff is None:
        return ()
    return month_charges(energy.electricity, energy.tariff, energy.zone, month, next_first(month, "month"))


def _months(energy: BuildingEnergy, today: date) -> list[date]:
    """Return the months of which something is known, and the running one, oldest first."""
    found = {first_day(today, "month")}
    for hour in energy.electricity[:: 24 * 7]:
        found.add(first_day(local_day(hour.start_s, energy.zone), "month"))
    return sorted(found)


def _event(energy: BuildingEnergy, event: EventPeriod) -> EventEnergy:
    """Hold a named time against as many days before and after it."""
    length = event.last_day - event.first_day + timedelta(days=1)
    end = event.last_day + timedelta(days=1)
    spans = [(event.first_day - length, event.first_day), (event.first_day, end), (end, end + length)]
    before, during, after = (_mean(energy, *span) for span in spans)
    curve = energy.curve(event.first_day)
    days = [day for day in energy.days if event.first_day <= day.day < end]
    expected = [curve.expected_kwh(day.celsius, day.in_use) for day in days] if curve else []
    return EventEnergy(
        energy.building, event, before, during, after, sum(expected) / len(expected) if expected else None
    )


def _mean(energy: BuildingEnergy, from_day: date, to_day: date) -> float | None:
    totals = [t for t in energy.totals("day", from_day, to_day) if t.hours == t.expected]
    return sum(t.kwh for t in totals) / len(totals) if totals else None
