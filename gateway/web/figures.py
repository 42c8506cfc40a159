"""Values as people read them: a number, its unit, and what is wrong with it. Pure."""

from dataclasses import dataclass

from gateway.web.live import DAY_S, NodeLive, value_at
from gateway.web.units import Shown, shown
from gateway.web.words import Words
from wire.quantities import OK, QUALITY_NAMES

_ENERGY_S = 3600  # registers change once an hour


@dataclass(frozen=True, slots=True)
class Figure:
    """One value with its unit; `quality` in words where something is wrong with it."""

    label: str
    value: str
    unit: str = ""
    quality: str = ""


def amount(value: float | None, how: Shown, say: Words) -> str:
    """Write a value with its unit."""
    if value is None:
        return say("none")
    number = how.of(value)
    unit = f"\u00a0{how.unit}" if how.unit else ""
    return say.number(number, how.places(number)) + unit


def figure(node: NodeLive, key: str, say: Words, label: str | None = None) -> Figure:
    """Return the newest value of `key` as a figure."""
    how = shown(key)
    sample = node.newest.get(key)
    name = say.value(key) if label is None else label
    if sample is None or sample.value is None:
        return Figure(name, say("none"), how.unit, quality_word(node, key, say) if sample else "")
    number = how.of(sample.value)
    quality = "" if sample.quality == OK else quality_word(node, key, say)
    return Figure(name, say.number(number, how.places(number)), how.unit, quality)


def quality_word(node: NodeLive, key: str, say: Words) -> str:
    """Return the quality of the newest value of `key` in words."""
    sample = node.newest.get(key)
    return say("card.no_value") if sample is None else quality_of(sample.quality, say)


def quality_of(code: int, say: Words) -> str:
    if code < len(QUALITY_NAMES):
        return say(f"quality.{code}")
    return say("quality.other", code=code)


def _intake_figures(node: NodeLive, say: Words, now_s: float) -> tuple[Figure, ...]:
    figures = []
    up, down = node.newest.get("up_level_mm"), node.newest.get("down_level_mm")
    if "down_level_mm" in node.place.node.profile.keys:
        figures.append(figure(node, "down_level_mm", say))
    if up and down and up.value is not None and down.value is not None and up.at_s == down.at_s:
        how = shown("level_mm")
        figures.append(Figure(say("value.head"), say.number(how.of(up.value - down.value)), how.unit))
    for candidates in (("water_corrected_temp_cc", "water_temp_cc"), ("air_temp_cc",)):
        # A corrected value only exists where the site has a calibration for it.
        key = next((key for key in candidates if key in node.newest), None)
        if key:
            figures.append(figure(node, key, say))
    return tuple(figures)


def _growth_figures(node: NodeLive, say: Words, now_s: float) -> tuple[Figure, ...]:
    """By how much the main value has grown in 1, 3 and 24 hours, or since the first record; the air."""
    main = node.place.main
    points, how = node.points(main), shown(main)
    figures = []

    def grown(label: str, change: float | None) -> Figure:
        if change is None:
            return Figure(label, say("none"), how.unit)
        number = how.of(change)
        return Figure(label, say.signed(number, how.places(number)), how.unit)

    if points:
        end_s, within_s = points[-1].at_s, max(1200, 2 * node.place.interval_s)
        now = value_at(points, end_s, within_s) or 0.0
        if end_s - points[0].at_s < 3600:
            first_s = points[min(2, len(points) - 1)].at_s
            first = value_at(points, first_s, within_s) or 0.0
            figures.append(grown(say("snow.since", moment=say.moment(first_s, now_s)), now - first))
        else:
            for hours in (1, 3, 24):
                then = value_at(points, end_s - hours * 3600, min(within_s, hours * 1200))
                figures.append(grown(say("snow.hours", n=hours), None if then is None else now - then))
    if "air_temp_cc" in node.newest:
        figures.append(figure(node, "air_temp_cc", say))
    return tuple(figures)


def _building_figures(node: NodeLive, say: Words, now_s: float) -> tuple[Figure, ...]:
    figures = []
    power, meter = node.points("import_power_w"), node.points("import_energy_wh")
    since_s = now_s - DAY_S
    power = [point for point in power if point.at_s >= since_s]
    if power:
        how = shown("power_w")
        span = say.span(max(60, power[-1].at_s - power[0].at_s))
        for label, pick in (("energy.highest", max), ("energy.lowest", min)):
            number = how.of(pick(point.value for point in power))
            figures.append(Figure(say(label, span=span), say.number(number, how.places(number)), how.unit))
    meter = [point for point in meter if point.at_s >= since_s]
    if len(meter) > 1 and meter[-1].at_s - meter[0].at_s >= _ENERGY_S:
        how = shown("energy_wh")
        number = how.of(meter[-1].value - meter[0].value)
        span = say.span(meter[-1].at_s - meter[0].at_s)
        figures.append(
            Figure(say("energy.used", span=span), say.number(number, how.places(number)), how.unit)
        )
    return tuple(figures)


def _other_figures(node: NodeLive, say: Words, now_s: float) -> tuple[Figure, ...]:
    rest = [key for key in node.place.node.profile.keys if key in node.newest and key != node.place.main]
    return tuple(figure(node, key, say) for key in rest if key != "battery_voltage_mv")[:4]


_BY_KIND = {
    "intake": _intake_figures,
    "rain": _growth_figures,
    "snow": _growth_figures,
    "building": _building_figures,
    "other": _other_figures,
}


def figures(node: NodeLive, say: Words, now_s: float) -> tuple[Figure, ...]:
    """Return what a card shows of a place besides its main value."""
    return _BY_KIND[node.place.kind](node, say, now_s)
