"""What a card says of one place, in words and figures ready to be written. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.web.concerns import beyond, limit_of
from gateway.web.drawing import IntakeDrawing, StakeDrawing, intake, stake
from gateway.web.live import DAY_S, NodeLive, value_at
from gateway.web.places import Place
from gateway.web.sparkline import Sparkline, sparkline
from gateway.web.trend import Trend, trend
from gateway.web.units import Shown, shown
from gateway.web.window import Point
from gateway.web.words import Words
from wire.quantities import FAULT, OK, QUALITY_NAMES

State = Literal["alarm", "warning", "stale", "fault", "info", "never", "ok"]
STATES: tuple[State, ...] = ("alarm", "warning", "stale", "fault", "info", "never", "ok")  # the worst first

_TREND_S = {"intake": 3600, "snow": 3 * 3600, "building": 3600, "other": 3 * 3600}
_TREND_RECORDS = 30  # a trend rests on no more than these, so that fast sampling shows fast changes
_PER_MINUTE_S = 900  # a trend over less than this is told per minute
_STRONG = {"mqtt": -67, "lora": -100}  # dBm: from here on a link is strong, and fair or weak below
_WEAK = {"mqtt": -78, "lora": -115}


@dataclass(frozen=True, slots=True)
class Figure:
    """One value with its unit; `quality` in words where something is wrong with it."""

    label: str
    value: str
    unit: str = ""
    quality: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where a value goes: -1, 0 or 1, and how fast in words."""

    direction: int
    text: str


@dataclass(frozen=True, slots=True)
class Signal:
    """How well the node is heard: 0 (unknown) to 3 bars."""

    bars: int
    text: str
    word: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a card shows. Its newest record was measured `at_s`, and is old from `stale_at_s`."""

    place: Place
    state: State
    state_word: str
    main: Figure
    arrow: Arrow | None
    figures: tuple[Figure, ...]
    quality: str
    at_s: int | None
    stale_at_s: int | None
    signal: Signal | None
    battery: str
    battery_low: bool
    spark: Sparkline | None
    spark_span: str
    spark_text: str
    limit_text: str
    intake: IntakeDrawing | None = None
    intake_text: str = ""
    stake: StakeDrawing | None = None
    stake_text: str = ""

    @property
    def need(self) -> tuple[int, str]:
        """Sorts by need, then by name."""
        return STATES.index(self.state), self.place.node.name


def card(node: NodeLive, say: Words, now_s: float) -> Card:
    """Return the card of `node` as it is at `now_s`."""
    place, main = node.place, node.place.main
    how = shown(main)
    state = state_of(node, now_s)
    points = node.points(main)
    to_s = int(now_s) if node.stale(now_s) else points[-1].at_s if points else int(now_s)
    limit = limit_of(place.levels(main))
    least = how.least / how.factor
    zero = place.kind == "building"
    level = limit[0] if limit else None
    spark = sparkline(points, to_s=to_s, gap_s=place.gap_s, least=least, zero=zero, limit=level)
    span = say.span(spark.to_s - spark.from_s) if spark else ""
    volts = node.newest.get("battery_voltage_mv")
    limits = place.node.profile.battery
    low = bool(limits and volts and volts.value is not None and volts.value < limits.low_mv)
    drawn = _intake(node, say) if place.intake else (None, "")
    staked = _stake(node, say) if place.snow else (None, "")
    return Card(
        place=place,
        state=state,
        state_word=say(f"card.{state}") if state != "warning" else say("card.limit"),
        main=figure(node, main, say),
        arrow=_arrow(node, say) if not node.stale(now_s) else None,
        figures=_FIGURES[place.kind](node, say, now_s),
        quality=quality_word(node, main, say),
        at_s=node.last.measured_at_s if node.last else None,
        stale_at_s=node.last.measured_at_s + place.stale_after_s if node.last else None,
        signal=_signal(node, say),
        battery=amount(volts.value, shown("voltage_mv"), say) if volts else "",
        battery_low=low,
        spark=spark,
        spark_span=span,
        spark_text=_spark_text(spark, how, span, say),
        limit_text=amount(level, how, say) if spark and spark.limit_y is not None else "",
        intake=drawn[0],
        intake_text=drawn[1],
        stake=staked[0],
        stake_text=staked[1],
    )


def state_of(node: NodeLive, now_s: float) -> State:
    """Return the one word for how a place is. What is old is called old, whatever it says."""
    if node.last is None:
        return "never"
    if node.stale(now_s):
        return "stale"
    sample = node.newest.get(node.place.main)
    if sample is None or sample.quality == FAULT:
        return "fault"
    passed: set[State] = set()
    for rule in node.place.rules:
        watched = node.newest.get(rule.key)
        if watched is not None and watched.value is not None and beyond(rule, watched.value):
            passed.add(rule.priority)
    return min(passed, key=STATES.index, default="ok")


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


def _arrow(node: NodeLive, say: Words) -> Arrow | None:
    place = node.place
    how = shown(place.main)
    window_s = min(_TREND_S[place.kind], _TREND_RECORDS * place.interval_s)
    found = trend(node.points(place.main), window_s, how.least / how.factor / 10)
    if found is None:
        return None
    if found.direction == 0:
        return Arrow(0, say("trend.steady"))
    return Arrow(
        found.direction, say("trend.up" if found.direction > 0 else "trend.down", rate=_rate(found, how, say))
    )


def _rate(found: Trend, how: Shown, say: Words) -> str:
    """Write a slope without its sign, per minute where it rests on minutes."""
    unit, seconds = ("min", 60) if found.span_s < _PER_MINUTE_S else ("h", 3600)
    rate = abs(how.of(found.per_s * seconds))
    return f"{say.number(rate, 1 if rate < 9.95 else 0)}\u00a0{how.unit}/{say('per.' + unit)}"


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


def _snow_figures(node: NodeLive, say: Words, now_s: float) -> tuple[Figure, ...]:
    """The growth of the last 1, 3 and 24 hours, or since the first record; and the air."""
    points = node.points("depth_mm")
    how = shown("depth_mm")
    figures = []
    if points:
        end_s, within_s = points[-1].at_s, max(1200, 2 * node.place.interval_s)
        now_mm = value_at(points, end_s, within_s) or 0.0
        for hours in (1, 3, 24):
            then_mm = value_at(points, end_s - hours * 3600, min(within_s, hours * 1200))
            label = say("snow.hours", n=hours)
            text = say("none") if then_mm is None else say.signed(how.of(now_mm - then_mm))
            figures.append(Figure(label, text, how.unit))
        if end_s - points[0].at_s < 3600:
            first_mm = value_at(points, points[0].at_s, within_s) or 0.0
            label = say("snow.since", moment=say.moment(points[0].at_s, now_s))
            figures = [Figure(label, say.signed(how.of(now_mm - first_mm)), how.unit)]
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
    if len(meter) > 1:
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


_FIGURES = {
    "intake": _intake_figures,
    "snow": _snow_figures,
    "building": _building_figures,
    "other": _other_figures,
}


def _intake(node: NodeLive, say: Words) -> tuple[IntakeDrawing | None, str]:
    geometry = node.place.intake
    assert geometry is not None
    up, down = node.newest.get("up_level_mm"), node.newest.get("down_level_mm")
    up_mm, down_mm = up.value if up else None, down.value if down else None
    level = limit_of(node.place.levels("up_level_mm"))
    how = shown("level_mm")
    text = say(
        "draw.intake",
        up=amount(up_mm, how, say),
        down=amount(down_mm, how, say),
        soffit=amount(geometry.soffit_mm - geometry.invert_mm, how, say),
    )
    return intake(geometry, up_mm, down_mm, level[0] if level else None), text


def _stake(node: NodeLive, say: Words) -> tuple[StakeDrawing | None, str]:
    geometry = node.place.snow
    assert geometry is not None
    points = node.points("depth_mm")
    depth = node.newest.get("depth_mm")
    depth_mm = depth.value if depth else None
    fresh_mm = None
    if points and depth_mm is not None:
        before_mm = value_at(points, max(points[0].at_s, points[-1].at_s - DAY_S), 1800)
        fresh_mm = None if before_mm is None else depth_mm - before_mm
    text = say("draw.stake", depth=amount(depth_mm, shown("depth_mm"), say))
    return stake(depth_mm, fresh_mm, geometry.sensor_height_mm), text


def _signal(node: NodeLive, say: Words) -> Signal | None:
    if node.last is None:
        return None
    carrier, rssi = node.last.carrier, node.last.rssi_dbm
    name = say(f"link.{carrier}") if carrier in _STRONG else carrier
    if rssi is None or carrier not in _STRONG:
        return Signal(0, name, name)
    bars = 3 if rssi >= _STRONG[carrier] else 2 if rssi >= _WEAK[carrier] else 1
    word = say(("link.weak", "link.fair", "link.strong")[bars - 1])
    return Signal(bars, f"{name} {say.number(rssi)}\u00a0dBm", word)


def _spark_text(spark: Sparkline | None, how: Shown, span: str, say: Words) -> str:
    if spark is None:
        return ""
    low, high = (amount(point.value, how, say) for point in (spark.low, spark.high))
    return say("draw.spark", low=low, high=high, span=span)


def by_need(cards: Sequence[Card]) -> list[Card]:
    """Return the cards with those first that need somebody."""
    return sorted(cards, key=lambda c: c.need)


__all__ = ["Arrow", "Card", "Figure", "Point", "Signal", "State", "amount", "by_need", "card", "figure"]
