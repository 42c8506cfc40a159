"""From when on a changed calibration counts. Pure.

Nothing calibrated is stored, so a corrected calibration counts for the past too: from where it differs on,
points are written once more, in place, and rollups get a revision.
"""

import json
from collections.abc import Mapping

from device_configs.model import Node, Site
from gateway.readings import calibration_at

Piece = list[float]  # since when (UTC s), and the line's two points: raw0, value0, raw1, value1
Timeline = dict[str, list[Piece]]


def timelines(site: Site) -> dict[int, str]:
    """Return for each node which calibration of its channels counts from when, as JSON to be kept."""
    return {node.id: json.dumps(_timeline(node), sort_keys=True) for node in site.nodes}


def _timeline(node: Node) -> Timeline:
    found: Timeline = {}
    starts = sorted({c.valid_from.timestamp() for c in node.calibration})
    for channel in node.profile.channels:
        if channel.derived is None:
            continue
        pieces: list[Piece] = []
        for start in starts:
            valid = calibration_at(node.calibration, channel, int(start))
            if valid is None:
                continue
            line = [valid.raw0, valid.value0, valid.raw1, valid.value1]
            if not pieces or pieces[-1][1:] != line:
                pieces.append([start, *line])
        found[channel.derived.name] = pieces
    return found


def changed_from(before: str, after: str) -> int | None:
    """Return the first second (UTC) from which the two differ; None where they are the same."""
    old: Mapping[str, list[Piece]] = json.loads(before)
    new: Mapping[str, list[Piece]] = json.loads(after)
    found = [
        start
        for name in old.keys() | new.keys()
        if (start := _differ(old.get(name, []), new.get(name, []))) is not None
    ]
    return int(min(found)) if found else None


def _differ(old: list[Piece], new: list[Piece]) -> float | None:
    for start in sorted({piece[0] for piece in [*old, *new]}):
        if _at(old, start) != _at(new, start):
            return start
    return None


def _at(pieces: list[Piece], moment: float) -> Piece | None:
    valid = [piece[1:] for piece in pieces if piece[0] <= moment]
    return valid[-1] if valid else None
