"""The drawings with what is written on them, in the reader's language. Pure."""

from dataclasses import dataclass

from gateway.web.concerns import limit_of
from gateway.web.drawing import IntakeDrawing, StakeDrawing, intake, stake
from gateway.web.figures import amount
from gateway.web.live import DAY_S, NodeLive, value_at
from gateway.web.units import shown
from gateway.web.words import Words

_LEVEL = shown("level_mm")


@dataclass(frozen=True, slots=True)
class IntakeView:
    """An intake in cross-section; `text` says it to those who do not see it."""

    drawing: IntakeDrawing
    text: str
    soffit: str
    up: str
    down: str
    head: str
    limit: str


@dataclass(frozen=True, slots=True)
class StakeView:
    """A stake in snow; `text` says it to those who do not see it."""

    drawing: StakeDrawing
    text: str


def intake_view(node: NodeLive, say: Words) -> IntakeView | None:
    """Return the view of an intake; None for other places."""
    geometry = node.place.intake
    if geometry is None:
        return None
    up, down = node.newest.get("up_level_mm"), node.newest.get("down_level_mm")
    up_mm, down_mm = up.value if up else None, down.value if down else None
    limit_mm = limit_of(node.place, "up_level_mm")
    up_text, down_text = amount(up_mm, _LEVEL, say), amount(down_mm, _LEVEL, say)
    soffit = amount(geometry.soffit_mm, _LEVEL, say)
    return IntakeView(
        intake(geometry, up_mm, down_mm, limit_mm),
        say("draw.intake", up=up_text, down=down_text, soffit=soffit),
        soffit,
        up_text,
        down_text,
        amount(up_mm - down_mm if up_mm is not None and down_mm is not None else None, _LEVEL, say),
        amount(limit_mm, _LEVEL, say),
    )


def stake_view(node: NodeLive, say: Words) -> StakeView | None:
    """Return the view of a snow stake, with what came in the last day on top; None for other places."""
    geometry = node.place.snow
    if geometry is None:
        return None
    points = node.points("depth_mm")
    depth = node.newest.get("depth_mm")
    depth_mm = depth.value if depth else None
    fresh_mm = None
    if points and depth_mm is not None:
        before_mm = value_at(points, max(points[0].at_s, points[-1].at_s - DAY_S), 1800)
        fresh_mm = None if before_mm is None else depth_mm - before_mm
    text = say("draw.stake", depth=amount(depth_mm, shown("depth_mm"), say))
    return StakeView(stake(depth_mm, fresh_mm, geometry.sensor_height_mm), text)
