"""The drawings of the cards as coordinates: an intake in cross-section and a snow stake. Pure.

Heights are true to scale; lengths along the brook are not known and only hinted at. y grows downwards.
"""

from dataclasses import dataclass

from device_configs.site_schema import IntakeGeometry

INTAKE_WIDTH, INTAKE_HEIGHT = 340, 190
STAKE_WIDTH, STAKE_HEIGHT = 104, 180

_FOOT_X = 156  # of the grate; it leans with the current, up to the head of the wall
_MOUTH_X = 214
_ROAD_X = 240
_TEXT = 15  # a line of text

Line = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A height with the place of its label."""

    y: float
    label_y: float


@dataclass(frozen=True, slots=True)
class IntakeDrawing:
    """Polygons and lines of the cross-section. Without a level its water and its mark are None.

    `bracket` spans the two levels, and is left out where they are too close to tell apart.
    """

    bed: str
    bank: str
    culvert: str
    wall: Line
    grate: Line
    bars: tuple[Line, ...]
    soffit: Mark
    up_water: str | None
    up: Mark | None
    up_x: float
    down_water: str | None
    down: Mark | None
    bracket: tuple[float, float] | None
    bracket_label_y: float
    limit: Mark | None
    limit_x: float


def intake(
    geometry: IntakeGeometry, up_mm: float | None, down_mm: float | None, limit_mm: float | None = None
) -> IntakeDrawing:
    """Draw an intake with water at `up_mm` before and `down_mm` behind the grate, above the site's datum.

    `limit_mm` is a level before the grate that is marked.
    """
    opening = geometry.soffit_mm - geometry.invert_mm
    floor_mm = min(geometry.invert_mm, geometry.grate_mm)
    bottom_mm = floor_mm - 0.16 * opening
    highest = max(level for level in (up_mm, down_mm, limit_mm, floor_mm) if level is not None)
    top_mm = max(geometry.soffit_mm + 0.42 * opening, highest + 0.2 * opening)
    per_mm = INTAKE_HEIGHT / (top_mm - bottom_mm)

    def y(level_mm: float) -> float:
        return round((top_mm - level_mm) * per_mm, 1)

    bottom, right = INTAKE_HEIGHT, INTAKE_WIDTH
    soffit, invert, foot = y(geometry.soffit_mm), y(geometry.invert_mm), y(geometry.grate_mm)
    head = y(geometry.soffit_mm + 0.16 * opening)
    road = y(geometry.soffit_mm + 0.3 * opening)
    shore = round(foot - 0.06 * INTAKE_HEIGHT, 1)
    knee = round((shore + foot) / 2 + 1, 1)

    def grate_x(level_y: float) -> float:
        share = (foot - level_y) / (foot - head)
        return round(_FOOT_X + (_MOUTH_X - _FOOT_X) * min(1.0, max(0.0, share)), 1)

    up = down = None
    up_water = down_water = None
    if up_mm is not None:
        up_y = min(y(up_mm), foot)
        up_water = _polygon(
            (0, up_y), (grate_x(up_y), up_y), (_FOOT_X, foot), (80, knee), (0, max(shore, up_y))
        )
        up = Mark(up_y, up_y - 6)
    if down_mm is not None:
        down_y = min(y(down_mm), invert)
        surface = max(down_y, soffit)
        down_water = _polygon(
            (grate_x(down_y), down_y), (_MOUTH_X, down_y), (_MOUTH_X, surface), (right, surface),
            (right, invert), (_FOOT_X, invert), (_FOOT_X, foot),
        )  # fmt: skip
        inside = surface - soffit < _TEXT + 8  # no room between water and ceiling: write in the water
        down = Mark(surface, surface + _TEXT + 2 if inside else surface - 6)
    bracket, label_y = None, 0.0
    if up is not None and down is not None and abs(down.y - up.y) >= 6:
        bracket = (up.y, down.y)
        label_y = (up.y + down.y) / 2 + 4
        if abs(label_y - down.label_y) < _TEXT:
            label_y = down.label_y - _TEXT
    grate = (float(_FOOT_X), foot, float(_MOUTH_X), head)
    limit = None
    if limit_mm is not None:
        limit = Mark(y(limit_mm), y(limit_mm) - 5)
    return IntakeDrawing(
        bed=_polygon(
            (0, shore),
            (80, knee),
            (_FOOT_X, foot),
            (_FOOT_X, invert),
            (right, invert),
            (right, bottom),
            (0, bottom),
        ),
        bank=_polygon((_MOUTH_X, soffit), (_MOUTH_X, head), (_ROAD_X, road), (right, road), (right, soffit)),
        culvert=_polygon((_MOUTH_X, soffit), (right, soffit), (right, invert), (_MOUTH_X, invert)),
        wall=(float(_MOUTH_X), head, float(_MOUTH_X), soffit),
        grate=grate,
        bars=_bars(grate),
        soffit=Mark(soffit, soffit - 6),
        up_water=up_water,
        up=up,
        up_x=grate_x(up.y) if up else 0.0,
        down_water=down_water,
        down=down,
        bracket=bracket,
        bracket_label_y=round(label_y, 1),
        limit=limit,
        limit_x=grate_x(limit.y) if limit else 0.0,
    )


def _polygon(*corners: tuple[float, float]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def _bars(grate: Line) -> tuple[Line, ...]:
    """Cross ticks that make a slanted line read as a grate."""
    foot_x, foot_y, head_x, head_y = grate
    count = max(3, int((foot_y - head_y) / 10))
    found = []
    for i in range(1, count):
        x = foot_x + (head_x - foot_x) * i / count
        y = foot_y + (head_y - foot_y) * i / count
        found.append((round(x - 4, 1), round(y - 1.4, 1), round(x + 4, 1), round(y + 1.4, 1)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on a scale."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class StakeDrawing:
    """A stake in snow. `fresh` is what lies on top of `old_y`, the surface of a while ago."""

    snow: str
    fresh: str | None
    surface_y: float | None
    old_y: float | None
    ticks: tuple[Tick, ...]
    segments: tuple[tuple[float, float], ...]
    top_y: float
    ground_y: float
    x: int


def stake(depth_mm: float | None, fresh_mm: float | None, height_mm: int) -> StakeDrawing:
    """Draw a stake that stands `depth_mm` deep in snow, of which the top `fresh_mm` is new.

    The stake is as high as is useful: a metre, or a third more than the snow, up to `height_mm`, where
    the ranger hangs.
    """
    ground, top = STAKE_HEIGHT - 10.0, 8.0
    span_mm = min(max(1000.0, (depth_mm or 0.0) * 1.35), float(max(height_mm, 600)))
    per_mm = (ground - top) / span_mm
    x = 44

    def y(mm: float) -> float:
        return round(ground - mm * per_mm, 1)

    step_mm = 100 if span_mm <= 1200 else 200 if span_mm <= 2400 else 500
    marks = range(0, int(span_mm) + 1, step_mm)
    label_every = 2 if step_mm == 100 else 1
    ticks = tuple(Tick(y(mm), str(mm // 10)) for i, mm in enumerate(marks) if i % label_every == 0)
    dark = [mm for mm in marks[:-1] if (mm // step_mm) % 2 == 0]
    segments = tuple((y(mm + step_mm), round(step_mm * per_mm, 1)) for mm in dark)
    if depth_mm is None:
        return StakeDrawing("", None, None, None, ticks, segments, top, ground, x)
    surface = min(ground, max(y(depth_mm), 4.0))
    snow = _drift(surface, ground)
    old = fresh = None
    if fresh_mm is not None and fresh_mm > 0:
        old = min(ground, round(surface + fresh_mm * per_mm, 1))
        fresh = _drift(surface, old)
    return StakeDrawing(snow, fresh, surface, old, ticks, segments, top, ground, x)


def _drift(top: float, bottom: float) -> str:
    """Return the path of snow between two heights, both gently uneven except at the stake."""
    left, right, ground = 28, STAKE_WIDTH, STAKE_HEIGHT - 10

    def edge(level: float, *, back: bool) -> str:
        if level >= ground:
            return f"L{right} {level:g}L{left} {level:g}" if back else f"M{left} {level:g}L{right} {level:g}"
        bend, low, high = 62, level - 4, (right + 62) / 2
        if back:
            return f"L{right} {level:g}C{high:g} {low:g} {high:g} {level:g} {bend} {level:g}L{left} {level:g}"
        return f"M{left} {level:g}L{bend} {level:g}C{high:g} {level:g} {high:g} {low:g} {right} {level:g}"

    return edge(top, back=False) + edge(bottom, back=True) + "Z"
