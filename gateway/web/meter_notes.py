"""What happened to a building's meters, as notes with a date: they explain figures that look odd. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from device_configs.building_schema import Building, Meter
from device_configs.model import Node
from gateway.buildings import SWAP_NEAR_S
from gateway.energy.hours import HOUR_S
from gateway.model import RegisterEvent

Group = TypeVar("Group", str, int)


@dataclass(frozen=True, slots=True)
class Step:
    """One register ("import_energy_wh") before and after, as the meter's port shows it."""

    key: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class MeterNote:
    """What a node saw happen to its meter at `at_s` (UTC seconds): reset, rollover, swap or jump.

    `told`: the site's files have that swap, with the new meter's factor.
    """

    at_s: int
    node: Node
    kind: str
    steps: tuple[Step, ...]
    told: bool

    @property
    def wants_answer(self) -> bool:
        """Whether somebody has to look at the site's files: the factor may be another since."""
        return self.kind == "jump" or (self.kind == "swap" and not self.told)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the heat map of a month has notes: in percent of its width and height, at a day and an hour.

    `numbers` of the notes as text, counted through the month: "2", or "2, 3" where they share an hour.
    """

    x: float
    y: float
    numbers: str
    wants_answer: bool


def by_month(notes: Iterable[MeterNote], zone: ZoneInfo) -> Mapping[str, Sequence[MeterNote]]:
    """Return the notes of each local month ("2025-12"), the oldest first."""
    return _grouped(notes, lambda note: f"{datetime.fromtimestamp(note.at_s, zone):%Y-%m}")


def by_hour(notes: Iterable[MeterNote]) -> Mapping[int, Sequence[MeterNote]]:
    """Return the notes of each hour by its beginning (UTC seconds), the oldest first."""
    return _grouped(notes, lambda note: note.at_s // HOUR_S * HOUR_S)


def _grouped(
    notes: Iterable[MeterNote], group: Callable[[MeterNote], Group]
) -> Mapping[Group, Sequence[MeterNote]]:
    found: dict[Group, list[MeterNote]] = {}
    for note in sorted(notes, key=lambda note: note.at_s):
        found.setdefault(group(note), []).append(note)
    return found


def marks(notes: Sequence[MeterNote], zone: ZoneInfo, days: int) -> Sequence[Mark]:
    """Return where a month's notes, the oldest first, lie in its heat map of so many `days`."""
    cells: dict[tuple[int, int], list[int]] = {}
    for i, note in enumerate(notes):
        at = datetime.fromtimestamp(note.at_s, zone)
        cells.setdefault((at.day - 1, at.hour), []).append(i)
    return [
        Mark(
            round((day + 0.5) / days * 100, 2),
            round((hour + 0.5) / 24 * 100, 2),
            ", ".join(str(i + 1) for i in of_cell),
            any(notes[i].wants_answer for i in of_cell),
        )
        for (day, hour), of_cell in cells.items()
    ]


def meter_notes(
    building: Building, nodes: Iterable[Node], events: Iterable[RegisterEvent]
) -> Sequence[MeterNote]:
    """Return what happened to a building's meters, the newest first."""
    by_id = {node.id: node for node in nodes}
    meters = {meter.node: meter for meter in building.meters}
    found = [_note(event, meters[event.node], by_id[event.node]) for event in events if event.node in meters]
    return sorted(found, key=lambda note: -note.at_s)


def _note(event: RegisterEvent, meter: Meter, node: Node) -> MeterNote:
    told = event.kind == "swap" and any(
        abs(swap.at.timestamp() - event.at_s) <= SWAP_NEAR_S for swap in meter.swaps
    )
    steps = tuple(Step(_key(node, channel), before, after) for channel, before, after in event.registers)
    return MeterNote(event.at_s, node, event.kind, steps, told)


def _key(node: Node, channel: int) -> str:
    """Return the key of a channel; its number where the node has another profile now."""
    keys = node.profile.keys
    return keys[channel] if channel < len(keys) else str(channel)
