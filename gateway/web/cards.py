"""What a card says of one place, in words and figures ready to be written. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gateway.web.concerns import Concern, limit_of
from gateway.web.figures import Figure, amount, figure, figures, quality_word
from gateway.web.live import NodeLive
from gateway.web.places import Place
from gateway.web.sparkline import Sparkline, sparkline
from gateway.web.trend import Trend, trend
from gateway.web.units import Shown, shown
from gateway.web.views import IntakeView, StakeView, intake_view, stake_view
from gateway.web.words import Words
from wire.quantities import FAULT

State = Literal["alarm", "warning", "stale", "fault", "info", "never", "ok", "shelf"]
# The worst first; who is on the shelf comes last, as nothing is to be seen there.
STATES: tuple[State, ...] = ("alarm", "warning", "stale", "fault", "info", "never", "ok", "shelf")

_TREND_S = {"intake": 3600, "rain": 3600, "snow": 3 * 3600, "building": 3600, "other": 3 * 3600}
_TREND_RECORDS = 30  # a trend rests on no more than these, so that fast sampling shows fast changes
_PER_MINUTE_S = 900  # a trend over less than this is told per minute
_STRONG = {"mqtt": -67, "lora": -100}  # dBm: from here on a link is strong, and fair or weak below
_WEAK = {"mqtt": -78, "lora": -115}


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where a value goes: -1, 0 or 1, the word for it, and how fast."""

    direction: int
    word: str
    rate: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """How well the node is heard: 0 (unknown) to 3 bars."""

    bars: int
    text: str
    word: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything a card shows. Its newest record was measured `at_s`, and is old from `stale_at_s`.

    Of a node that is on the shelf since `shelf_s` no value is shown as if it were one of now.
    """

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
    spark_range: str
    limit_text: str
    intake: IntakeView | None
    stake: StakeView | None
    shelf_s: int | None = None

    @property
    def need(self) -> tuple[int, str]:
        """Sorts by need, then by name."""
        return STATES.index(self.state), self.place.node.name


def card(
    node: NodeLive,
    say: Words,
    now_s: float,
    concerns: Sequence[Concern] = (),
    expected: tuple[int, int] | None = None,
) -> Card:
    """Return the card of `node` as it is at `now_s`; `concerns` are the node's own, the worst first.

    `expected` is the lowest and the highest main value to expect of a building this hour.
    """
    place, main = node.place, node.place.main
    how = shown(main)
    state = state_of(node, now_s, concerns)
    points = node.points(main)
    to_s = int(now_s) if node.stale(now_s) else points[-1].at_s if points else int(now_s)
    level = limit_of(place, main)
    least = how.least / how.factor
    zero = place.kind == "building"
    spark = sparkline(points, to_s=to_s, gap_s=place.gap_s, least=least, zero=zero, limit=level)
    span = say.span(spark.to_s - spark.from_s) if spark else ""
    volts = node.newest.get("battery_voltage_mv")
    limits = place.node.profile.battery
    low = bool(limits and volts and volts.value is not None and volts.value < limits.low_mv)
    found = Card(
        place=place,
        state=state,
        state_word=_state_word(state, say, concerns),
        main=figure(node, main, say),
        arrow=_arrow(node, say) if not node.stale(now_s) else None,
        figures=(*_expected(node, expected, say), *figures(node, say, now_s)),
        quality=quality_word(node, main, say),
        at_s=node.last.measured_at_s if node.last else None,
        stale_at_s=_stale_at_s(node, now_s),
        signal=_signal(node, say),
        battery=amount(volts.value, shown("voltage_mv"), say) if volts else "",
        battery_low=low,
        spark=spark,
        spark_span=span,
        spark_text=_spark_text(spark, how, span, say),
        spark_range=_range(spark, how, say),
        limit_text=amount(level, how, say) if spark and spark.limit_y is not None else "",
        intake=intake_view(node, say),
        stake=stake_view(node, say),
    )
    return found if node.on_shelf_s is None else _on_shelf(found, node, node.on_shelf_s, say)


def _on_shelf(found: Card, node: NodeLive, since_s: int, say: Words) -> Card:
    """Return the card of a node on the shelf: since when, and what was measured last, and when."""
    figures = [Figure(say("shelf.since"), say.moment(since_s, 0))]
    if (last := node.newest.get(node.place.main)) is not None:
        figures.append(replace(found.main, label=say("shelf.last", moment=say.moment(last.at_s, 0))))
    return replace(
        found, main=Figure(found.main.label, say("none")), figures=tuple(figures), arrow=None, quality="",
        stale_at_s=None, signal=None, battery="", battery_low=False, spark=None, intake=None, stake=None,
        shelf_s=since_s,
    )  # fmt: skip


def _expected(node: NodeLive, expected: tuple[int, int] | None, say: Words) -> tuple[Figure, ...]:
    """Return the band to expect, with a word for how the newest value lies to it."""
    if expected is None:
        return ()
    how, sample = shown(node.place.main), node.newest.get(node.place.main)
    low, high = (how.of(end) for end in expected)
    places = how.places(high)
    word = ""
    if sample is not None and sample.value is not None:
        side = "above" if sample.value > expected[1] else "below" if sample.value < expected[0] else "within"
        word = say(f"energy.expected.{side}")
    text = f"{say.number(low, places)}–{say.number(high, places)}"
    return (Figure(say("energy.expected"), text, how.unit, word),)


def publicly(found: Card, say: Words) -> Card:
    """Return a card without what only concerns the node: battery, link and faults."""
    plain = replace(found, signal=None, battery="", battery_low=False)
    if found.state != "fault":
        return plain
    none = say("card.no_value")
    return replace(plain, state="never", state_word=none, quality=none, main=replace(found.main, quality=""))


def _stale_at_s(node: NodeLive, now_s: float) -> int | None:
    if node.last is None or node.ahead(now_s):
        return None
    return node.last.measured_at_s + node.place.stale_after_s


def state_of(node: NodeLive, now_s: float, concerns: Sequence[Concern] = ()) -> State:
    """Return the one word for how a place is. What is old is called old, whatever it says.

    An alert that stands is not ended by the shelf.
    """
    states: list[State] = [concern.priority for concern in concerns if concern.what == "alert"]
    if node.on_shelf_s is not None:
        return min(states, key=STATES.index, default="shelf")
    if node.last is None:
        return "never"
    if node.stale(now_s):
        return "stale"
    sample = node.newest.get(node.place.main)
    if sample is None or sample.quality == FAULT:
        return "fault"
    return min(states, key=STATES.index, default="ok")


def _state_word(state: State, say: Words, concerns: Sequence[Concern]) -> str:
    """Return the headline of the alert that makes the state, or the state's own name."""
    for concern in concerns:
        if concern.priority == state and concern.texts is not None:
            return concern.texts[say.language]["name"]
    return say(f"card.{state}")


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
        found.direction, say("trend.up" if found.direction > 0 else "trend.down"), _rate(found, how, say)
    )


def _rate(found: Trend, how: Shown, say: Words) -> str:
    """Write a slope without its sign, per minute where it rests on minutes."""
    unit, seconds = ("min", 60) if found.span_s < _PER_MINUTE_S else ("h", 3600)
    rate = abs(how.of(found.per_s * seconds))
    return f"{say.number(rate, 1 if rate < 9.95 else 0)}\u00a0{how.unit}/{say('per.' + unit)}"


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


def _range(spark: Sparkline | None, how: Shown, say: Words) -> str:
    """Write the least and the greatest value drawn: 52–70 cm."""
    if spark is None:
        return ""
    low, high = how.of(spark.low.value), how.of(spark.high.value)
    places = how.places(high)
    return f"{say.number(low, places)}–{say.number(high, places)}\u00a0{how.unit}"
