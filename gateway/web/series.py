"""A node's charts as numbers, for the script that draws them with a crosshair. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.alerts.log import Round
from gateway.web.chart import Series
from gateway.web.history import Past, Stretch
from gateway.web.meter_notes import MeterNote
from gateway.web.sheet import Group
from gateway.web.sparkline import runs
from gateway.web.units import shown
from gateway.web.words import Words


@dataclass(frozen=True, slots=True)
class Noted:
    """What happened at a time, to be marked on all charts; of a round also who it was and what they said.

    `label` stands at the mark: the text itself, or its number where there are more, as texts would overlap.
    """

    at_s: int
    text: str
    by: str = ""
    remark: str = ""
    label: str = ""


def noted(
    rounds: Iterable[Round], meter: Iterable[MeterNote], stretch: Stretch, say: Words
) -> Sequence[Noted]:
    """Return who was at a grate and what happened to a meter in a stretch of time, the oldest first."""
    found = [Noted(r.at_s, round_text(r, say), r.by, r.note) for r in rounds]
    found += [Noted(n.at_s, say(f"meter.{n.kind}")) for n in meter]
    inside = sorted(
        (each for each in found if stretch.from_s <= each.at_s <= stretch.to_s), key=lambda each: each.at_s
    )
    alone = len(inside) == 1
    return [replace(each, label=each.text if alone else str(i)) for i, each in enumerate(inside, 1)]


def charts(groups: Sequence[Group], past: Past, notes: Sequence[Noted], say: Words) -> dict[str, Any]:
    """Return what is drawn as JSON: times in UTC seconds, values in the unit shown, texts ready to be read.

    A line is a list of times and one of values; None among these is a gap.
    """
    times: list[list[Any]] = []
    days: list[list[float]] = []
    from_s, to_s = past.stretch.from_s, past.stretch.to_s
    if groups:
        drawn = groups[0].drawn
        from_s, to_s = drawn.from_s, drawn.to_s
        seconds = to_s - from_s < 600
        times = [
            [t.at, say.day(t.at) if drawn.dates else say.clock(t.at, seconds=seconds)] for t in drawn.times
        ]
        days = [[from_s + (to_s - from_s) * at / 1000 for at in (x, x + width)] for x, width in drawn.days]
    return {
        "from": from_s,
        "to": to_s,
        "times": times,
        "days": days,
        "notes": [[note.at_s, note.label] for note in notes],
        "groups": [_group(group, say) for group in groups],
    }


def round_text(seen: Round, say: Words) -> str:
    """Return what somebody saw at a grate, in one line."""
    return say("round.cleaned" if seen.cleaned else "round.seen", share=seen.blocked_percent)


def _group(group: Group, say: Words) -> dict[str, Any]:
    drawn = group.drawn
    lines = [_line(line, group.gap_s) for line in group.lines]
    return {
        "unit": group.unit,
        "low": drawn.values[0].at,
        "high": drawn.values[-1].at,
        "values": [[t.at, say.number(t.at, drawn.decimals)] for t in drawn.values],
        "limits": [
            [x.value, f"{x.name}, {say.number(x.value)} {group.unit}", x.priority] for _, x in drawn.limits
        ],
        "lines": [
            {"name": say.value(line.key), "decimals": places, "times": at, "values": values}
            for line, (at, values, places) in zip(group.lines, lines, strict=True)
        ],
    }


def _line(line: Series, gap_s: int) -> tuple[list[int], list[float | None], int]:
    """Return times, values and decimals, with None at each gap."""
    found = list(_with_gaps(line, gap_s))
    places = shown(line.key).places(max(abs(point.value) for point in line.points))
    values = [None if value is None else round(value, places) for _, value in found]
    return [at_s for at_s, _ in found], values, places


def _with_gaps(line: Series, gap_s: int) -> Iterator[tuple[int, float | None]]:
    for number, run in enumerate(runs(line.points, gap_s)):
        if number:
            yield run[0].at_s - 1, None
        yield from run
