"""What of the past a node's page shows: a stretch of time, and the points in it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.model import Reading, StoredRecord
from gateway.rollup import HOUR_S, Rollups
from gateway.web.places import Place
from gateway.web.units import shown
from gateway.web.window import Point, Window

RANGES: Mapping[str, int] = {"24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
DAY_S, YEAR_S = 86_400, 365 * 86_400
SEASON_MONTH = 9  # snow is counted from the first of September
LONGEST_S = 3 * YEAR_S
HOURLY_S = 15 * DAY_S  # from here on an hour is narrower than what can be told apart: its extremes are drawn
_SHORTEST_S = 60

Readings = Sequence[tuple[StoredRecord, Sequence[Reading]]]
Hours = Sequence[tuple[int, Rollups]]  # when each begins, and what its values come to


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when, in UTC seconds; `name` is "" where its ends were asked for."""

    name: str
    from_s: int
    to_s: int

    @property
    def length_s(self) -> int:
        return self.to_s - self.from_s

    @property
    def by_hours(self) -> bool:
        """Whether it is long enough to be drawn from hours."""
        return self.length_s >= HOURLY_S

    @property
    def query(self) -> dict[str, str | None]:
        """What an address needs to show it again."""
        if self.name:
            return {"range": self.name, "from": None, "to": None}
        return {"range": None, "from": str(self.from_s), "to": str(self.to_s)}


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a stretch: hours that are over, and the records after them."""

    stretch: Stretch
    records: Readings
    hours: Hours = field(default=())

    @property
    def first_s(self) -> int | None:
        """When what is known begins; None where nothing is."""
        firsts = [start_s for start_s, _ in self.hours[:1]]
        return min([*firsts, *(r.measured_at_s for r, _ in self.records[:1])], default=None)


def ranges(place: Place) -> tuple[str, ...]:
    """Return the names to choose from: the longest is a season for snow, a year for others."""
    return (*RANGES, "season" if place.kind == "snow" else "year")


def stretch(asked: Mapping[str, str], place: Place, now_s: int, zone: ZoneInfo) -> Stretch:
    """Return the stretch that a query asks for: by its ends, else by its name, else the last day."""
    try:
        from_s, to_s = int(asked.get("from", "")), int(asked.get("to", ""))
    except ValueError:
        from_s = to_s = 0
    if from_s >= 0 and _SHORTEST_S <= to_s - from_s <= LONGEST_S and to_s <= now_s + DAY_S:
        return Stretch("", from_s, to_s)
    name = asked.get("range", "")
    if name not in ranges(place):
        name = next(iter(RANGES))
    if name == "season":
        return Stretch(name, season_began_s(now_s, zone), now_s)
    return Stretch(name, now_s - RANGES.get(name, YEAR_S), now_s)


def season_began_s(now_s: int, zone: ZoneInfo) -> int:
    """Return when the season of `now_s` began: the last first of September, local."""
    now = datetime.fromtimestamp(now_s, zone)
    year = now.year - (now.month < SEASON_MONTH)
    return int(datetime(year, SEASON_MONTH, 1, tzinfo=zone).timestamp())


def beside(shown_now: Stretch, now_s: int) -> dict[str, Stretch | None]:
    """Return where one can go from a stretch: earlier, later, nearer, wider; None where there is no more."""
    from_s, to_s, length_s = shown_now.from_s, shown_now.to_s, shown_now.length_s
    step = length_s // 2
    later_s = min(to_s + step, now_s)
    middle_s = (from_s + to_s) // 2
    quarter = max(_SHORTEST_S, length_s // 2) // 2
    wide_s = min(2 * length_s, LONGEST_S)
    wide_to_s = min(now_s, middle_s + wide_s // 2)
    return {
        "earlier": Stretch("", from_s - step, to_s - step),
        "later": Stretch("", later_s - length_s, later_s) if later_s > to_s else None,
        "nearer": Stretch("", middle_s - quarter, middle_s + quarter) if length_s > _SHORTEST_S else None,
        "wider": Stretch("", wide_to_s - wide_s, wide_to_s) if length_s < LONGEST_S else None,
    }


def points(place: Place, keys: Sequence[str], past: Past) -> dict[str, list[Point]]:
    """Return what to draw of each key, in the unit shown. Of an hour its lowest and its highest are drawn."""
    windows = {key: Window(past.stretch.length_s) for key in keys}
    scales = {key: shown(key).factor * place.factor_of(key) for key in keys}
    for start_s, rollups in past.hours:
        for key, rollup in rollups.items():
            if (window := windows.get(key)) is not None:
                window.add(Point(start_s + HOUR_S // 3, rollup.lowest * scales[key]))
                window.add(Point(start_s + 2 * HOUR_S // 3, rollup.highest * scales[key]))
    for record, readings in past.records:
        for reading in readings:
            window = windows.get(reading.key)
            if window is not None and reading.value is not None:
                window.add(Point(record.measured_at_s, reading.value * scales[reading.key]))
    return {key: window.points() for key, window in windows.items()}


def gap_s(place: Place, past: Past, drawn_s: int) -> int:
    """Return how far apart two points of a line may be."""
    least = max(place.gap_s, 2 * HOUR_S) if past.hours else place.gap_s
    return max(least, drawn_s // 150)
