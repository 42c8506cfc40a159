"""What happened to a building's meters, as notes with a date: they explain figures that look odd. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from device_configs.building_schema import Building, Meter
from device_configs.model import Node
from gateway.buildings import SWAP_NEAR_S
from gateway.model import RegisterEvent


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
