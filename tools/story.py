"""What happens in the demo's first minutes, so that there is something to see: told as it happens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tools.surroundings import BUILDING_START, MORNING_PEAK
from tools.town import Resident, Town

CLOG_AT_S, CLOG_TAKES_S, CLOG_MM = 15.0, 60.0, 520.0
CLEANED_AT_S = 90.0
POWER_LOST_AT_S, POWER_BACK_AT_S = 25.0, 36.0
CLOUD_LOST_AT_S, CLOUD_BACK_AT_S = 45.0, 75.0


@dataclass(frozen=True, slots=True)
class Event:
    """`act` is done `at_s` seconds after the town started; `text` is what people are told."""

    at_s: float
    text: str
    act: Callable[[], Awaitable[None]]


def story(town: Town) -> list[Event]:
    """Return the events that this town can have, in order."""
    events = []
    buildings = [r for r in town.residents.values() if r.node.profile.name == "energy"]
    intakes = [r for r in town.residents.values() if r.node.profile.name == "intake"]
    snow = [r for r in town.residents.values() if r.node.profile.name == "snow"]
    if intakes:
        first = intakes[0]
        events.append(Event(CLOG_AT_S, f"{first.node.name}: the grate begins to clog", _clog(first)))
        events.append(Event(CLEANED_AT_S, f"{first.node.name}: the grate is cleaned", _clean(first)))
    # A cold start costs a radio node half its airtime: over LoRa another node is the one in the dark.
    at_risk = buildings if town.air else snow
    if at_risk:
        dark = at_risk[-1]
        events += [
            Event(POWER_LOST_AT_S, f"{dark.node.name}: the node loses power", dark.board.power_cut),
            Event(POWER_BACK_AT_S, f"{dark.node.name}: the node has power again", dark.board.power_on),
        ]
    if buildings:
        at_s = (MORNING_PEAK - BUILDING_START) / town.speed
        events.append(Event(at_s, f"{buildings[0].node.name}: the morning peak begins", _as_recorded))
    events += [
        Event(CLOUD_LOST_AT_S, "InfluxDB goes away", town.stop_database),
        Event(CLOUD_BACK_AT_S, "InfluxDB is back; sync catches up", town.start_database),
    ]
    return sorted(events, key=lambda event: event.at_s)


async def _as_recorded() -> None:
    """Nothing is to be done: the recording brings it."""


def _clog(resident: Resident) -> Callable[[], Awaitable[None]]:
    """Leaves on the grate: the water rises above it and falls below it, a little more each second."""

    async def act() -> None:
        world = resident.around.world
        begun_s = world.time_s()
        takes_s = CLOG_TAKES_S * world.speed

        def share(now_s: float) -> float:
            return min(1.0, max(0.0, (now_s - begun_s) / takes_s))

        world.bend("up", lambda now_s, level: level + CLOG_MM * share(now_s))
        world.bend("down", lambda now_s, level: level * (1 - 0.6 * share(now_s)))

    return act


def _clean(resident: Resident) -> Callable[[], Awaitable[None]]:
    """Somebody has been there: the levels are the brook's own again."""

    async def act() -> None:
        for side in ("up", "down"):
            resident.around.world.bend(side, None)

    return act
