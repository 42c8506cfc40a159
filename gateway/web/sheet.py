"""What a node's own page says: every value, charts over one time axis, and the records themselves. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.model import Reading, StoredRecord
from gateway.web.chart import Chart, Limit, Series, chart
from gateway.web.figures import Figure, figure
from gateway.web.live import NodeLive
from gateway.web.places import Place
from gateway.web.units import Shown, shown
from gateway.web.window import Point, Window
from gateway.web.words import Words

RANGES: Mapping[str, int] = {"24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
TABLE_ROWS = 60
_SHORTEST_S = 60
_NOT_DRAWN = ("energy_wh", "energy_varh", "pulses", "spread_mm")

Readings = Sequence[tuple[StoredRecord, Sequence[Reading]]]


@dataclass(frozen=True, slots=True)
class Group:
    """Values of one unit in one chart; `keys` in the order of their colours."""

    unit: str
    keys: tuple[str, ...]
    drawn: Chart


def measured_keys(place: Place) -> list[str]:
    """Return the keys of a place's values, without the raw ones that a calibration has made into others."""
    derived = {
        channel.key: channel.derived.name for channel in place.node.profile.channels if channel.derived
    }
    calibrated = {c.channel for c in place.node.calibration}
    raw = {
        channel.key
        for channel in place.node.profile.channels
        if channel.name in calibrated and channel.derived
    }
    kept = [key for key in place.node.profile.keys if key not in raw]
    useless = {name for key, name in derived.items() if key not in raw}  # nothing to make them with
    return sorted((key for key in kept if key not in useless), key=lambda key: key != place.main)


def groups(place: Place, records: Readings, range_s: int, now_s: int, zone: ZoneInfo) -> list[Group]:
    """Return the charts of a place's records, one for each unit, over the same time axis.

    The axis is as long as `range_s`, or as there are records where that is less.
    """
    if not records:
        return []
    to_s = now_s
    from_s = min(max(now_s - range_s, records[0][0].measured_at_s), to_s - _SHORTEST_S)
    keys = [key for key in measured_keys(place) if not key.endswith(_NOT_DRAWN)]
    windows = {key: Window(range_s) for key in keys}
    for record, readings in records:
        for reading in readings:
            window = windows.get(reading.key)
            if window is not None and reading.value is not None:
                number = shown(reading.key).of(reading.value * place.factor_of(reading.key))
                window.add(Point(record.measured_at_s, number))
    found = []
    by_unit: dict[str, list[Series]] = {}
    for key in keys:
        points = windows[key].points()
        if any(point.value for point in points):  # a value that is always 0 says that there is none
            by_unit.setdefault(shown(key).unit, []).append(Series(key, points))
    for unit, series in by_unit.items():
        drawn = chart(
            series,
            from_s=from_s,
            to_s=to_s,
            gap_s=max(place.gap_s, (to_s - from_s) // 150),
            least=shown(series[0].key).least or 1.0,
            zone=zone,
            limits=_limits(place, [s.key for s in series]),
            zero=unit == "kW",
        )
        if drawn is not None:
            found.append(Group(unit, tuple(s.key for s in series), drawn))
    return found


def _limits(place: Place, keys: Sequence[str]) -> list[Limit]:
    found = []
    for key in keys:
        for rule in place.levels(key):
            levels = (level for level in (rule.above, rule.below) if level is not None)
            found += [Limit(shown(key).of(level), rule.name) for level in levels]
    if place.intake is not None and place.main in keys:
        found.append(Limit(shown(place.main).of(place.intake.soffit_mm), "soffit"))
    return found


def every_figure(node: NodeLive, say: Words) -> list[tuple[Figure, int]]:
    """Return every value as last measured, and when."""
    keys = [key for key in measured_keys(node.place) if key in node.newest]
    return [(figure(node, key, say), node.newest[key].at_s) for key in keys]


def rows(place: Place, records: Readings, say: Words) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return a table of the newest records: (name, unit) of each column, then the rows, newest first."""
    keys = [key for key in measured_keys(place) if not key.endswith(_NOT_DRAWN)]
    columns = [(say.value(key), shown(key).unit) for key in keys]
    found = []
    for record, readings in list(records)[: -TABLE_ROWS - 1 : -1]:
        by_key = {reading.key: reading for reading in readings}
        cells = [say.clock(record.measured_at_s, seconds=True)]
        cells += [_cell(place, by_key.get(key), shown(key), say) for key in keys]
        found.append(cells)
    return columns, found


def _cell(place: Place, reading: Reading | None, how: Shown, say: Words) -> str:
    if reading is None or reading.value is None:
        return say("none")
    number = how.of(reading.value * place.factor_of(reading.key))
    return say.number(number, how.places(number)) + ("*" if reading.quality else "")
