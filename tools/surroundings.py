"""What surrounds each virtual node of a town: recordings shipped with the tests, played faster than real.

Intakes play the Trout Creek recording, buildings the Cambridge one. The snow is generated, since no
recording of it may be shipped; so is the rain. The page and the log say so.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from device_configs.model import Node, Site
from device_configs.site_schema import SnowGeometry
from hardware.virtual.chips.chip import Quantity, Witness
from hardware.virtual.clock import Clock
from hardware.virtual.meters import Make, Values, frame
from hardware.virtual.nodes import Surroundings
from hardware.virtual.recordings import Recording, Series, cambridge_energy, steady, trout_creek
from hardware.virtual.world import World

RECORDINGS = Path(__file__).parent.parent / "tests" / "data"
# A summer thunderstorm raises the creek by 23 cm/h between 18 and 19 UTC.
CREEK_START = datetime(2022, 6, 13, 15, 0, tzinfo=UTC).timestamp()
# A Monday in January, some hours before the house wakes up, and when it does.
BUILDING_START = datetime(2018, 1, 15, 4, 0, tzinfo=UTC).timestamp()
MORNING_PEAK = datetime(2018, 1, 15, 7, 40, tzinfo=UTC).timestamp()
STORM_START = datetime(2026, 1, 10, 0, 0, tzinfo=UTC).timestamp()
LIST_2_S = 1.0  # the meters of a town in a hurry push faster than the 10 s and the hour of real ones
LIST_3_S = 8.0
VOLT_DV = 2310


@dataclass(frozen=True, slots=True)
class Surrounding:
    """The world around one node; `inputs` feeds its chips. `story` names what may be bent, in the world."""

    node: Node
    world: World
    inputs: Surroundings

    def witness(self, chip: str) -> Witness:
        return self.world.witness(self.node.id, chip)

    def moments_ms(self) -> list[int]:
        """When the node took a sample of anything, in UTC, ascending."""
        return sorted(sampling.utc_ms for sampling in self.world.samplings)


Maker = Callable[[Node, Recording, Clock, float, Path], Surrounding]


class NoSurroundings(Exception):
    """The site has a node of a profile that no virtual world is made for yet."""


def surround(site: Site, clock: Clock, speed: float, folder: Path) -> dict[int, Surrounding]:
    """Return what surrounds each node of the site. Each world's samplings are logged in `folder`.

    Raises NoSurroundings.
    """
    creek = trout_creek(RECORDINGS / "stream_trout_creek_5min.csv")
    building = cambridge_energy(RECORDINGS / "energy_cambridge_b25_hourly.csv")
    folder.mkdir(parents=True, exist_ok=True)
    factors = {meter.node: meter.meter_factor for b in site.buildings for meter in b.meters}
    energy = partial(_energy, factors)
    makers: Mapping[str, Maker] = {"intake": _intake, "snow": _snow, "energy": energy, "rain": _rain}
    recordings: Mapping[str, Recording] = {"intake": creek, "energy": building}
    found = {}
    for node in site.nodes:
        kind = node.profile.name
        if kind not in makers:
            raise NoSurroundings(
                f"node {node.id} ({node.name}): nothing plays the surroundings of profile `{kind}`. "
                f"Write a maker for it in tools/surroundings.py, beside those of {', '.join(makers)}."
            )
        log = folder / f"world-{node.id}.jsonl"
        found[node.id] = makers[kind](node, recordings.get(kind, {}), clock, speed, log)
    return found


def _intake(node: Node, creek: Recording, clock: Clock, speed: float, log: Path) -> Surrounding:
    series = {
        "up": creek["up_level_mm"],
        "down": creek["down_level_mm"],
        "water": creek["water_c"],
        "air": creek["board_c"],
        "battery": steady(3.58),
    }
    return _surrounding(node, World(series, clock, CREEK_START + 3600 * (node.id % 7), speed, log))


def _snow(node: Node, _: Recording, clock: Clock, speed: float, log: Path) -> Surrounding:
    assert isinstance(node.geometry, SnowGeometry)
    series = {"depth": generated_storm(node.id), "air": steady(-6.5), "battery": steady(3.61)}
    world = World(series, clock, STORM_START, speed, log)
    noise = random.Random(node.id)  # noqa: S311
    height = node.geometry.sensor_height_mm

    def distance() -> float:
        return height - world.value("depth") + noise.gauss(0, 4)

    return Surrounding(node, world, Surroundings({**_quantities(world), "distance": distance}))


def generated_storm(seed: int) -> Series:
    """Snow depth in mm, generated: a snow cover, a storm of 18 h that adds 35 cm, and its settling."""
    noise = random.Random(seed)  # noqa: S311
    depth = 480.0 + 60 * (seed % 3)
    times, values = [], []
    for hour in range(24 * 14):
        falling = 6 <= hour < 24 or 100 <= hour < 108
        depth += noise.uniform(12, 27) if falling else -depth * 0.0007
        times.append(STORM_START + 3600 * hour)
        values.append(depth)
    return Series(times, values)


def _rain(node: Node, _: Recording, clock: Clock, speed: float, log: Path) -> Surrounding:
    series = {"pulses": generated_showers(node.id)}
    return _surrounding(node, World(series, clock, STORM_START, speed, log))


def generated_showers(seed: int) -> Series:
    """Tips of a bucket in all, generated: ten days of a light rain that is never quite over.

    At most 2 mm/h with 0.2 mm a tip: played 360 times faster, no more than the bucket can tip.
    """
    noise = random.Random(seed)  # noqa: S311
    total = 0.0
    times, values = [], []
    for hour in range(24 * 10 + 1):
        times.append(STORM_START + 3600 * hour)
        values.append(total)
        total += noise.uniform(5, 10) if hour % 6 < 4 else noise.uniform(0.5, 2)
    return Series(times, values)


def _energy(
    factors: Mapping[int, float], node: Node, building: Recording, clock: Clock, speed: float, log: Path
) -> Surrounding:
    # Behind current transformers a meter sees, and tells, the building's consumption divided by their ratio.
    scale = (1 + node.id % 3 / 2) / factors.get(node.id, 1.0)
    series = {name: building[name] for name in ("power_w", "import_wh")}
    world = World(series, clock, BUILDING_START, speed, log)
    assert node.sensors is not None
    make = str(node.sensors["meter"].get("make", "aidon"))

    def frames() -> Iterator[tuple[float, bytes]]:
        return lists(clock.monotonic_s())  # from now on, not from when the node begins to listen

    def lists(begun_s: float) -> Iterator[tuple[float, bytes]]:
        while True:
            at_s = clock.monotonic_s() - begun_s + LIST_2_S
            number = 3 if int(at_s / LIST_2_S) % round(LIST_3_S / LIST_2_S) == 0 else 2
            yield at_s, _list(make, number, world, scale, clock)

    return Surrounding(node, world, Surroundings(frames=frames))


def _list(make: str, number: int, world: World, scale: float, clock: Clock) -> bytes:
    watts = round(world.value("power_w") * scale)
    ma = round(watts * 1000 / (3 * VOLT_DV / 10))
    values = Values(
        import_power_w=watts,
        import_reactive_var=watts // 9,
        current_ma=(ma, ma, ma),
        phase_dv=(VOLT_DV, VOLT_DV + 4, VOLT_DV - 3),
        import_energy_wh=round(world.value("import_wh") * scale) + 1_000_000_000,
    )
    now = datetime.fromtimestamp(clock.utc_ms() / 1000, UTC)
    makes: dict[str, Make] = {"aidon": "aidon", "kaifa": "kaifa", "kamstrup": "kamstrup"}
    return frame(makes[make], 3 if number == 3 else 2, values, now)


def _quantities(world: World) -> dict[str, Quantity]:
    return {name: world.quantity(name) for name in world.names}


def _surrounding(node: Node, world: World) -> Surrounding:
    return Surrounding(node, world, Surroundings(_quantities(world)))
