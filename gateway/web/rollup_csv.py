"""Hours and days of a place as CSV, with their revisions. Pure."""

from collections.abc import Sequence

from gateway.store.rollups import Made
from gateway.web.places import Place
from gateway.web.words import Words


def rollup_table(place: Place, found: Sequence[Made], say: Words) -> tuple[list[str], list[list[object]]]:
    """Return header and lines. Values are in the unit that ends the column's name, without a meter's factor.

    `revision` counts how often the line was made; `changed` says what the last time added to count and sum.
    """
    keys = [key for key in place.node.profile.keys if any(key in made.rollups for made in found)]
    header = ["time_local", "time_utc", "node"]
    for key in keys:
        header += [f"{key}_mean", f"{key}_lowest", f"{key}_highest", f"{key}_count"]
    header += ["meter_factor", "revision", "changed"]
    lines = []
    for made in found:
        line: list[object] = [
            say.local(made.start_s).strftime("%Y-%m-%d %H:%M:%S"),
            say.utc(made.start_s),
            made.node,
        ]
        for key in keys:
            rollup = made.rollups.get(key)
            if rollup is None:
                line += [None] * 4
            else:
                line += [rollup.mean, rollup.lowest, rollup.highest, rollup.count]
        changed = "; ".join(
            f"{key}: count {count:+d}, sum {total:+d}" for key, (count, total) in sorted(made.changed.items())
        )
        lines.append([*line, float(place.factor), made.revision, changed or None])
    return header, lines
