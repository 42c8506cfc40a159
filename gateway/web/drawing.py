"""The drawings of the cards as coordinates: an intake in cross-section and a snow stake. Pure.

Heights are true to scale; lengths along the brook are not known and only hinted at. y grows downwards.
"""

from dataclasses import dataclass

from device_configs.site_schema import IntakeGeometry

INTAKE_WIDTH = 360
INTAKE_HEIGHT = 168
STAKE_WIDTH = 150
STAKE_HEIGHT = 168

_GRATE_FOOT_X = 196
_GRATE_LEAN = 0.32  # horizontal per vertical, against the current
_MOUTH_X = 232
_TEXT = 14  # a line of text


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on a scale."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class IntakeDrawing:
    """Polygons and lines of the cross-section. Without a level its water is None."""

    bed: str
    wall: str
    slab: str
    grate: tuple[float, float, float, float]
    bars: tuple[tuple[float, float, float, float], ...]
    soffit_y: float
    soffit_label_y: float
    mouth_x: int
    up_water: str | None
    up_y: float | None
    up_label_y: float | None
    down_water: str | None
    down_y: float | None
    down_surface_y: float | None
    down_label_y: float | None
    bracket: tuple[float, float] | None
    bracket_label_y: float | None
    limit_y: float | None
    scale: tuple[float, float]
    scale_mm: int


def intake(
    geometry: IntakeGeometry, up_mm: float | None, down_mm: float | None, limit_mm: float | None = None
) -> IntakeDrawing:
    """Draw an intake with water at `up_mm` before and `down_mm` behind the grate, above the site's datum.

    `limit_mm` is a level before the grate that is marked.
    """
    opening = geometry.soffit_mm - geometry.invert_mm
    floor_mm = min(geometry.invert_mm, geometry.grate_mm)
    bottom_mm = floor_mm - 0.22 * opening
    top_mm = max(geometry.soffit_mm + 0.55 * opening, (up_mm or floor_mm) + 0.3 * opening)
    per_mm = INTAKE_HEIGHT / (top_mm - bottom_mm)

    def y(level_mm: float) -> float:
        return round((top_mm - level_mm) * per_mm, 1)

    bottom, right = INTAKE_HEIGHT, INTAKE_WIDTH
    soffit, invert, foot = y(geometry.soffit_mm), y(geometry.invert_mm), y(geometry.grate_mm)
    head_mm = geometry.soffit_mm + 0.2 * opening
    lean = (foot - y(head_mm)) * _GRATE_LEAN
    grate = (float(_GRATE_FOOT_X), foot, round(_GRATE_FOOT_X - lean, 1), y(head_mm))
    bed_left = round(foot - 0.05 * INTAKE_HEIGHT, 1)
    knee = round((bed_left + foot) / 2 + 1, 1)
    foot_x, mouth_x, head = _GRATE_FOOT_X, _MOUTH_X, y(head_mm)
    bed = _polygon(
        (0, bed_left),
        (70, knee),
        (foot_x, foot),
        (foot_x, invert),
        (right, invert),
        (right, bottom),
        (0, bottom),
    )
    wall = _polygon((mouth_x, head), (right, head), (right, soffit), (mouth_x, soffit))
    slab = _polygon((foot_x, invert), (right, invert), (right, invert + 4), (foot_x, invert + 4))

    def grate_x(level_y: float) -> float:
        return round(_GRATE_FOOT_X - max(0.0, foot - level_y) * _GRATE_LEAN, 1)

    up_y = up_water = up_label = None
    if up_mm is not None:
        up_y = min(y(up_mm), foot)
        up_water = _polygon(
            (0, up_y), (grate_x(up_y), up_y), (foot_x, foot), (70, knee), (0, max(bed_left, up_y))
        )
        up_label = up_y - 5
    down_y = down_water = down_surface = down_label = None
    if down_mm is not None:
        down_y = min(y(down_mm), invert)
        down_surface = max(down_y, soffit)
        down_water = _polygon(
            (grate_x(down_y), down_y), (mouth_x, down_y), (mouth_x, down_surface), (right, down_surface),
            (right, invert), (foot_x, invert), (foot_x, foot),
        )  # fmt: skip
        room_below = invert - down_surface > _TEXT + 4
        down_label = down_surface + _TEXT if room_below else down_surface - 5
    bracket = bracket_label = None
    if up_y is not None and down_y is not None and abs(down_y - up_y) >= 2:
        bracket = (up_y, down_y)
        bracket_label = round((up_y + down_y) / 2 + 4, 1)
    soffit_label = soffit - 6
    if bracket_label is not None and abs(bracket_label - soffit_label) < _TEXT:
        soffit_label = min(soffit_label, bracket_label - _TEXT)
    scale_mm = _round_length(opening / 2)
    return IntakeDrawing(
        bed=bed,
        wall=wall,
        slab=slab,
        grate=grate,
        bars=_bars(grate),
        soffit_y=soffit,
        soffit_label_y=round(soffit_label, 1),
        mouth_x=_MOUTH_X,
        up_water=up_water,
        up_y=up_y,
        up_label_y=up_label,
        down_water=down_water,
        down_y=down_y,
        down_surface_y=down_surface,
        down_label_y=down_label,
        bracket=bracket,
        bracket_label_y=bracket_label,
        limit_y=None if limit_mm is None else y(limit_mm),
        scale=(round(bottom - 8 - scale_mm * per_mm, 1), bottom - 8.0),
        scale_mm=scale_mm,
    )


def _polygon(*corners: tuple[float, float]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def _bars(grate: tuple[float, float, float, float]) -> tuple[tuple[float, float, float, float], ...]:
    """Cross ticks that make a slanted line read as a grate."""
    foot_x, foot_y, head_x, head_y = grate
    count = max(3, int((foot_y - head_y) / 9))
    found = []
    for i in range(1, count):
        x = foot_x + (head_x - foot_x) * i / count
        y = foot_y + (head_y - foot_y) * i / count
        found.append((round(x - 3.5, 1), round(y + 1, 1), round(x + 3.5, 1), round(y - 1, 1)))
    return tuple(found)


def _round_length(mm: float) -> int:
    """Return the longest of 1, 2 or 5 times a power of ten that is at most `mm`."""
    best = 1
    step = 1
    while step <= mm:
        for times in (1, 2, 5):
            if times * step <= mm:
                best = times * step
        step *= 10
    return best


@dataclass(frozen=True, slots=True)
class StakeDrawing:
    """A stake in snow. `old_y` is the surface before the newest snow fell, where that is known."""

    snow: str
    fresh: str | None
    surface_y: float | None
    old_y: float | None
    ticks: tuple[Tick, ...]
    segments: tuple[tuple[float, float], ...]
    ground_y: float
    x: int


def stake(depth_mm: float | None, fresh_mm: float | None, height_mm: int) -> StakeDrawing:
    """Draw a stake that stands `depth_mm` deep in snow, of which the top `fresh_mm` is new.

    The stake is as high as is useful: a metre, or half as much again as the snow, up to `height_mm`,
    where the ranger hangs.
    """
    ground = STAKE_HEIGHT - 14.0
    span_mm = min(max(1000.0, (depth_mm or 0.0) * 1.35), float(max(height_mm, 600)))
    per_mm = (ground - 12) / span_mm
    x = 46

    def y(mm: float) -> float:
        return round(ground - mm * per_mm, 1)

    step_mm = 100 if span_mm <= 1200 else 200 if span_mm <= 2400 else 500
    marks = range(0, int(span_mm) + 1, step_mm)
    label_every = 2 if step_mm == 100 else 1
    ticks = tuple(Tick(y(mm), str(mm // 10)) for i, mm in enumerate(marks) if i % label_every == 0)
    dark = [mm for mm in marks[:-1] if (mm // step_mm) % 2 == 0]
    segments = tuple((y(mm + step_mm), round(step_mm * per_mm, 1)) for mm in dark)
    if depth_mm is None:
        return StakeDrawing("", None, None, None, ticks, segments, ground, x)
    surface = min(ground, max(y(depth_mm), 4.0))
    snow = _drift(surface, ground)
    old = fresh = None
    if fresh_mm is not None and fresh_mm > 0:
        old = min(ground, round(surface + fresh_mm * per_mm, 1))
        fresh = _drift(surface, old)
    return StakeDrawing(snow, fresh, surface, old, ticks, segments, ground, x)


def _drift(top: float, bottom: float) -> str:
    """Return the path of snow between two heights, both gently uneven except at the stake."""
    w = STAKE_WIDTH

    def edge(level: float, reverse: bool) -> str:
        if level >= STAKE_HEIGHT - 14:
            return f"L{w} {level:g}L30 {level:g}" if reverse else f"M30 {level:g}L{w} {level:g}"
        if reverse:
            return f"L{w} {level:g}C{w - 22} {level - 4:g} {w - 44} {level + 3:g} 84 {level:g}L30 {level:g}"
        return f"M30 {level:g}L84 {level:g}C{w - 44} {level + 3:g} {w - 22} {level - 4:g} {w} {level:g}"

    return edge(top, False) + edge(bottom, True) + "Z"
