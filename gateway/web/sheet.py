"""What a node's own page says: every value, charts over one time axis, and the records themselves. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from device_configs.alert_schema import Rule
from gateway.model import Reading
from gateway.web.chart import Chart, Limit, Series, chart
from gateway.web.concerns import level_of
from gateway.web.figures import Figure, amount, figure
from gateway.web.history import Past, gap_s, points
from gateway.web.live import NodeLive
from gateway.web.places import Place
from gateway.web.units import Shown, shown
from gateway.web.words import Words

TABLE_ROWS = 60
_SHORTEST_S = 60
_NOT_DRAWN = ("energy_wh", "energy_varh", "pulses", "spread_mm")


@dataclass(frozen=True, slots=True)
class Group:
    """Values of one unit in one chart; `lines` in the order of their colours."""

    unit: str
    lines: tuple[Series, ...]
    gap_s: int
    drawn: Chart

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(line.key for line in self.lines)


def measured_keys(place: Place) -> list[str]:
    """Return the keys of a place's values, without the raw ones that a calibration has made into others.

    The main one comes first, then what is calibrated, then the others, the battery last.
    """
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
    made = set(derived.values())
    useful = (key for key in kept if key not in useless and not key.startswith(place.unseen))
    return sorted(useful, key=lambda key: (key != place.main, key not in made, key.startswith("battery")))


def drawn_keys(place: Place) -> list[str]:
    """Return the keys of the values that are drawn and written into the table."""
    return [key for key in measured_keys(place) if not key.endswith(_NOT_DRAWN)]


def groups(place: Place, past: Past, zone: ZoneInfo, say: Words) -> list[Group]:
    """Return the charts of a place's past, one for each unit, over the same time axis.

    The axis is as long as the stretch that was asked for; where that has a name it begins with what is known.
    """
    if past.first_s is None:
        return []
    from_s, to_s = past.stretch.from_s, past.stretch.to_s
    if past.stretch.name:
        from_s = min(max(from_s, past.first_s), to_s - _SHORTEST_S)
    found = []
    by_unit: dict[str, list[Series]] = {}
    gap = gap_s(place, past, to_s - from_s)
    for key, known in points(place, drawn_keys(place), past).items():
        line = [point for point in known if from_s <= point.at_s <= to_s]
        if any(point.value for point in line):  # a value that is always 0 says that there is none
            by_unit.setdefault(shown(key).unit, []).append(Series(key, line))
    for unit, series in by_unit.items():
        drawn = chart(
            series,
            from_s=from_s,
            to_s=to_s,
            gap_s=gap,
            least=shown(series[0].key).least or 1.0,
            zone=zone,
            limits=_limits(place, [s.key for s in series], say),
            zero=unit == "kW",
        )
        if drawn is not None:
            found.append(Group(unit, tuple(series), gap, drawn))
    return found


def _limits(place: Place, keys: Sequence[str], say: Words) -> list[Limit]:
    """Return the levels to mark: those of the place's rules, and the culvert's ceiling."""
    found = []
    for rule in place.rules:
        if rule.key in keys:
            levels = (level for level in (level_of(place, rule), rule.below) if level is not None)
            name = rule.texts(say.language).name
            found += [Limit(shown(rule.key).of(level), name, rule.priority) for level in levels]
    if place.intake is not None and place.main in keys:
        soffit = shown(place.main).of(place.intake.soffit_mm)
        if all(abs(limit.value - soffit) > 1 for limit in found):
            found.append(Limit(soffit, say("node.soffit"), "built"))
    return found


def every_figure(node: NodeLive, say: Words) -> list[tuple[Figure, int]]:
    """Return every value as last measured, and when."""
    keys = [key for key in measured_keys(node.place) if key in node.newest]
    return [(figure(node, key, say), node.newest[key].at_s) for key in keys]


def rows(place: Place, past: Past, now_s: float, say: Words) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return what is drawn as a table: (name, unit) of each column, then the rows, newest first.

    A row is a record; of a long stretch it is a day, with the lowest and the highest value.
    """
    keys = drawn_keys(place)
    columns = [(say.value(key), shown(key).unit) for key in keys]
    if past.stretch.by_hours:
        return columns, _days(place, keys, past, say)
    found, today = [], say.local(now_s).date()
    for record, readings in list(past.records)[: -TABLE_ROWS - 1 : -1]:
        at_s = record.measured_at_s
        by_key = {reading.key: reading for reading in readings}
        clock = say.clock(at_s, seconds=True)
        cells = [clock if say.local(at_s).date() == today else f"{say.day(at_s)} {clock}"]
        cells += [_cell(place, by_key.get(key), shown(key), say) for key in keys]
        found.append(cells)
    return columns, found


def _days(place: Place, keys: Sequence[str], past: Past, say: Words) -> list[list[str]]:
    """Return a row for each local day, with the lowest and the highest value of each key."""
    days: dict[date, dict[str, list[float]]] = {}
    for key, line in points(place, keys, past).items():
        for point in line:
            days.setdefault(say.local(point.at_s).date(), {}).setdefault(key, []).append(point.value)
    found = []
    for day, values in sorted(days.items(), reverse=True):
        cells = [f"{day:%d.%m.%Y}" if say.language == "nb" else f"{day:%Y-%m-%d}"]
        for key in keys:
            of_day = values.get(key, [])
            places = shown(key).places(max(of_day)) if of_day else 0
            low, high = (say.number(end(of_day), places) if of_day else "" for end in (min, max))
            cells.append(say("none") if not of_day else low if low == high else f"{low}–{high}")
        found.append(cells)
    return found


def _cell(place: Place, reading: Reading | None, how: Shown, say: Words) -> str:
    if reading is None or reading.value is None:
        return say("none")
    number = how.of(reading.value * place.factor_of(reading.key))
    return say.number(number, how.places(number)) + ("*" if reading.quality else "")


def condition(place: Place, rule: Rule, say: Words) -> str:
    """Return in words when a rule raises an alert."""
    how, value = shown(rule.key), say.value(rule.key)
    if rule.above is not None:
        return say("rule.above", value=value, level=amount(rule.above, how, say))
    if rule.below is not None:
        return say("rule.below", value=value, level=amount(rule.below, how, say))
    if rule.rise_per_h is not None:
        return say("rule.rise", value=value, level=amount(rule.rise_per_h, how, say))
    if rule.difference_above is not None:
        level = amount(rule.difference_above, how, say)
        return say("rule.difference", value=value, level=level, other=say.value(rule.minus or ""))
    if rule.soffit_above_percent is not None:
        level = amount(level_of(place, rule), how, say)
        return say("rule.soffit", value=value, level=level, share=rule.soffit_above_percent)
    if rule.increase_above is not None:
        level = amount(rule.increase_above, how, say)
        return say("rule.increase", value=value, level=level, hours=rule.increase_over_h)
    if rule.callout_over_h is not None:
        return say("rule.callout", hours=rule.callout_over_h)
    if rule.load_above_percent is not None:
        return say("rule.load", share=rule.load_above_percent)
    if rule.silent_for_s is not None:
        return say("rule.silent", span=say.span(rule.silent_for_s))
    return say("rule.signature", signs=", ".join(say(f"sign.{sign}") for sign in rule.signature or ()))
