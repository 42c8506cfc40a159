"""The boards, sensors and profiles this version knows: one YAML file each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from device_configs.board import Board
from device_configs.problem import ConfigError, Problem, did_you_mean
from device_configs.schema import Bus, Channel, Profile, Sensor, SensorOutput
from device_configs.source import Document, read_yaml
from device_configs.validate import Names, validate

ROOT = Path(__file__).parent
Kind = TypeVar("Kind", Board, Sensor, Profile)
Found = dict[str, tuple[Document, Kind]]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything a node can be made of, by name."""

    boards: Mapping[str, Board]
    sensors: Mapping[str, Sensor]
    profiles: Mapping[str, Profile]

    @property
    def names(self) -> Names:
        return {"board": [*self.boards], "sensor": [*self.sensors], "profile": [*self.profiles]}

    def output(self, profile: Profile, channel: Channel) -> SensorOutput | None:
        """Return the sensor output that fills a channel, None where it is not clear which.

        It is the one the channel names, else the only one of its quantity, else the one called like it.
        """
        outputs = self.sensors[profile.sensors[channel.sensor]].outputs
        fitting = [output for output in outputs if output.quantity == channel.quantity]
        if channel.output is not None or len(fitting) > 1:
            names = (channel.output,) if channel.output else (channel.key, channel.name)
            fitting = [output for output in fitting if output.name in names]
        return fitting[0] if len(fitting) == 1 else None


def bus_of(board: Board, bus: Bus) -> object | None:
    """Return the part of the board that is this bus, None when the board lacks it."""
    parts: dict[Bus, object | None] = {
        "i2c": board.i2c,
        "onewire": board.onewire,
        "uart": board.uart,
        "adc": board.battery,
        "pulse": board.pulse,
    }
    return parts[bus]


def _read(
    folder: Path, model: type[Kind], problems: list[Problem], names: Names | None = None
) -> Found[Kind]:
    found: Found[Kind] = {}
    for file in sorted(folder.glob("*.yaml")):
        document, wrong = read_yaml(file)
        entry = None
        if not wrong:
            entry, wrong = validate(document, (), model, names)
        problems += wrong
        if entry is None:
            continue
        if entry.name != file.stem:
            problems.append(document.problem(("name",), f"the file's name says `{file.stem}`"))
        found[file.stem] = document, entry
    return found


def _check_profiles(catalog: Catalog, documents: Mapping[str, Document]) -> list[Problem]:
    problems = []
    schema_of: dict[int, str] = {}
    for name, profile in catalog.profiles.items():
        document = documents[name]
        if (other := schema_of.setdefault(profile.schema_id, name)) != name:
            message = f"`schema_id` {profile.schema_id} belongs to `{other}` already"
            problems.append(document.problem(("schema_id",), message))
        for slot, sensor_name in profile.sensors.items():
            if profile.power == "battery" and catalog.sensors[sensor_name].bus == "pulse":
                message = f"`{slot}`: a node that sleeps counts no pulses"
                problems.append(document.problem(("sensors", slot), message, "`power: mains`"))
        for i, channel in enumerate(profile.channels):
            if catalog.output(profile, channel) is not None:
                continue
            sensor = catalog.sensors[profile.sensors[channel.sensor]]
            outputs = {f"{o.name} ({o.quantity})" for o in sensor.outputs}
            message = f"`{channel.name}`: `output` has to name the one output of `{sensor.name}` that fits"
            hint = did_you_mean(f"{channel.output} ({channel.quantity})", outputs)
            problems.append(document.problem(("channels", i, "output"), message, hint))
    return problems


def load_catalog(root: Path = ROOT) -> Catalog:
    """Return the catalog below `root`. Raises ConfigError with everything wrong in it."""
    problems: list[Problem] = []
    boards = _read(root / "boards", Board, problems)
    sensors = _read(root / "sensors", Sensor, problems)
    # Names of broken files count as known: one problem is enough.
    names = {"sensor": [file.stem for file in (root / "sensors").glob("*.yaml")]}
    profiles = _read(root / "profiles", Profile, problems, names)
    if problems:
        raise ConfigError(problems)
    catalog = Catalog(
        {name: board for name, (_, board) in boards.items()},
        {name: sensor for name, (_, sensor) in sensors.items()},
        {name: profile for name, (_, profile) in profiles.items()},
    )
    if problems := _check_profiles(catalog, {name: document for name, (document, _) in profiles.items()}):
        raise ConfigError(problems)
    return catalog


@lru_cache(maxsize=1)
def builtin_catalog() -> Catalog:
    """Return the catalog that comes with this version, read once."""
    return load_catalog(ROOT)
