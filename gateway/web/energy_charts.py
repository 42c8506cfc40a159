"""The drawings of the energy pages as coordinates. Pure.

In thousandths of the plot's width and height, x to the right and y downwards, so that the page can stretch
the plot while its texts keep their size. The heat map is in cells: a day across, an hour down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

from gateway.energy.et_curve import Curve, Day
from gateway.energy.hours import Hour
from gateway.web.chart import Tick, nice_step

SHADES = 7
_DURATION_POINTS = 200


@dataclass(frozen=True, slots=True)
class Axes:
    """The ticks of both axes, and with how many decimals the upright one is written."""

    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    decimals: int


@dataclass(frozen=True, slots=True)
class EtDrawing:
    """Energy against temperature: the band and middle of days in use and of idle days, and the days as dots.

    Dots are paths of points without length; `last` is the newest whole day, `outside` lies beyond its band.
    """

    axes: Axes
    bands: tuple[str, ...]
    middles: tuple[str, ...]
    in_use: str
    idle: str
    outside: str
    last: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the heat map: `shade` 0 (least) to 6 (most)."""

    x: int
    y: int
    shade: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class HeatDrawing:
    """`days` columns of 24 hours; `labels` are days of the month by column; the range of the loads in kW."""

    days: int
    cells: tuple[Cell, ...]
    labels: tuple[tuple[int, int], ...]
    weekends: tuple[int, ...]
    low_kw: float
    high_kw: float


@dataclass(frozen=True, slots=True)
class DurationDrawing:
    """The loads of all hours in falling order. `across` is in hours."""

    axes: Axes
    path: str


def et_drawing(curve: Curve, days: Sequence[Day], last: Day | None) -> EtDrawing | None:
    """Draw `days` over the band of a curve; `last` is marked. None without days."""
    if not days:
        return None
    shown = [*days, *([last] if last else [])]
    coldest, warmest = min(d.celsius for d in shown), max(d.celsius for d in shown)
    uses = sorted({d.in_use for d in shown}, reverse=True) if curve.separate_idle else [True]
    grid = _grid(coldest, warmest)
    tops = [curve.expected_kwh(t, u) + curve.band_kwh(t, u) for t in grid for u in uses]
    left, right, across = _axis(coldest, warmest)
    _, top, up = _axis(0.0, max([*tops, *(d.kwh for d in shown)]))

    def at(celsius: float, kwh: float) -> tuple[float, float]:
        x = (celsius - left) / (right - left) * 1000
        return round(x, 1), round((top - max(0.0, kwh)) / top * 1000, 1)

    bands, middles = [], []
    for use in uses:
        upper = [at(t, curve.expected_kwh(t, use) + curve.band_kwh(t, use)) for t in grid]
        lower = [at(t, curve.expected_kwh(t, use) - curve.band_kwh(t, use)) for t in grid]
        bands.append(_points(upper + lower[::-1]))
        middles.append(_line(at(t, curve.expected_kwh(t, use)) for t in grid))
    beyond = {day.day for day in days if curve.is_outlier(day)}
    inside = [day for day in days if day.day not in beyond]
    return EtDrawing(
        Axes(
            tuple(Tick(at(t, 0)[0], t) for t in across),
            tuple(Tick(at(left, kwh)[1], kwh) for kwh in up),
            _decimals(up),
        ),
        tuple(bands),
        tuple(middles),
        _dots(at(d.celsius, d.kwh) for d in inside if d.in_use),
        _dots(at(d.celsius, d.kwh) for d in inside if not d.in_use),
        _dots(at(d.celsius, d.kwh) for d in days if d.day in beyond),
        at(last.celsius, last.kwh) if last else None,
    )


def heat_drawing(days: Sequence[tuple[date, Sequence[Hour | None]]]) -> HeatDrawing | None:
    """Draw a heat map; None without an hour. Shades are equal steps from the least to the highest load."""
    loads = [hour.wh for _, hours in days for hour in hours if hour]
    if not loads:
        return None
    low, high = min(loads), max(loads)
    step = max(1, high - low) / SHADES
    cells = [
        Cell(x, y, min(SHADES - 1, int((hour.wh - low) / step)), hour.estimated)
        for x, (_, hours) in enumerate(days)
        for y, hour in enumerate(hours)
        if hour
    ]
    return HeatDrawing(
        len(days),
        tuple(cells),
        tuple((x, day.day) for x, (day, _) in enumerate(days) if day.day == 1 or day.day % 5 == 0),
        tuple(x for x, (day, _) in enumerate(days) if day.weekday() >= 5),
        low / 1000,
        high / 1000,
    )


def duration_drawing(loads: Sequence[int]) -> DurationDrawing | None:
    """Draw loads (W) given in falling order; the highest and the lowest are always there. None for none."""
    if not loads:
        return None
    last = len(loads) - 1
    count = min(last, _DURATION_POINTS)
    picked = sorted({round(i * last / count) for i in range(count + 1)} if count else {0})
    _, right, across = _axis(0.0, float(max(1, len(loads))))
    _, top, up = _axis(0.0, max(loads[0], 1) / 1000)

    def at(hours: float, watt: float) -> tuple[float, float]:
        return round(hours / right * 1000, 1), round((top - watt / 1000) / top * 1000, 1)

    places = [at(i + 1, loads[i]) for i in picked]
    return DurationDrawing(
        Axes(
            tuple(Tick(at(hours, 0)[0], hours) for hours in across),
            tuple(Tick(at(0, kw * 1000)[1], kw) for kw in up),
            _decimals(up),
        ),
        _line([(0.0, places[0][1]), *places]),
    )


def _axis(low: float, high: float) -> tuple[float, float, list[float]]:
    """Return (begin, end, ticks) of an axis that holds both values, in round steps."""
    step = nice_step(max(high - low, 1e-6) / 5)
    begin, end = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    if end <= begin:
        end = begin + step
    return begin, end, [begin + i * step for i in range(round((end - begin) / step) + 1)]


def _decimals(ticks: Sequence[float]) -> int:
    step = ticks[1] - ticks[0]
    return max(0, -floor(log10(step) + 1e-9))


def _grid(low: float, high: float) -> list[float]:
    count = max(1, min(60, ceil(high - low)))
    return [low + i * (high - low) / count for i in range(count + 1)]


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _line(places: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _dots(places: Iterable[tuple[float, float]]) -> str:
    return "".join(f"M{x:g} {y:g}h0" for x, y in places)
