"""Checks how the sensors of a node are wired: parameters, the board's buses, clashes."""

from collections.abc import Iterator, Sequence

from device_configs.catalog import Catalog, bus_of
from device_configs.problem import Problem, closest, did_you_mean
from device_configs.site_schema import NodeEntry
from device_configs.source import Document, Place

Wiring = dict[str, dict[str, int | str]]


def check_wiring(
    document: Document, place: Place, entry: NodeEntry, catalog: Catalog
) -> tuple[Wiring, list[Problem]]:
    """Return each sensor's parameters with defaults filled in, and everything wrong with them."""
    at: Place = (*place, "sensors")
    slots = catalog.profiles[entry.profile].sensors
    problems = []
    for slot in entry.sensors:
        if slot not in slots:
            message = f"profile `{entry.profile}` has no sensor `{slot[:40]}`"
            problems.append(document.problem((*at, slot), message, did_you_mean(slot, slots), key=True))
    guessed = {closest(slot, slots) for slot in entry.sensors if slot not in slots}
    wiring: Wiring = {}
    for slot, type_name in slots.items():
        if slot in guessed and slot not in entry.sensors:
            continue  # misspelt rather than missing
        given = entry.sensors.get(slot, {})
        if not isinstance(given, dict):
            hint = f"for example `{slot}: {{}}`" if given is None else None
            problems.append(document.problem((*at, slot), f"`{slot}` has to hold keys with values", hint))
            continue
        wiring[slot], wrong = _parameters(document, (*at, slot), given, catalog, type_name)
        problems += wrong
    problems += _clashes(document, at, entry, wiring, catalog)
    problems += _missing_buses(document, place, entry, catalog)
    return wiring, problems


def _parameters(
    document: Document, at: Place, given: dict[str, object], catalog: Catalog, type_name: str
) -> tuple[dict[str, int | str], list[Problem]]:
    known = catalog.sensors[type_name].parameters
    values: dict[str, int | str] = {}
    problems = []
    for key in given:
        if key not in known:
            message = f"`{at[-1]}` ({type_name}) takes no `{key[:40]}`"
            problems.append(document.problem((*at, key), message, did_you_mean(key, known), key=True))
    guessed = {closest(key, known) for key in given if key not in known}
    for key, parameter in known.items():
        if key in guessed and key not in given:
            continue
        value = given.get(key, parameter.default)
        if key not in given and value is None:
            message = f"`{at[-1]}` ({type_name}) needs `{key}`"
            problems.append(document.problem((*at, key), message, parameter.meaning))
        elif trouble := parameter.trouble(value):
            problems.append(document.problem((*at, key), f"`{key}` {trouble}", parameter.meaning))
        elif isinstance(value, int | str):
            values[key] = value
    return values, problems


def _clashes(
    document: Document, at: Place, entry: NodeEntry, wiring: Wiring, catalog: Catalog
) -> Iterator[Problem]:
    """Yield a problem for every two sensors that answer at the same address."""
    slots = catalog.profiles[entry.profile].sensors
    owner: dict[object, str] = {}
    for slot, values in wiring.items():
        sensor = catalog.sensors[slots[slot]]
        identity = {key: values.get(key) for key, p in sensor.parameters.items() if p.identifies}
        if None in identity.values():
            continue  # already reported
        place = (sensor.bus, sensor.name, *identity.values())
        if (other := owner.setdefault(place, slot)) != slot:
            told = "".join(f", {key} {value}" for key, value in identity.items())
            yield document.problem((*at, slot), f"`{slot}` and `{other}` are both the {sensor.name}{told}")


def _missing_buses(document: Document, place: Place, entry: NodeEntry, catalog: Catalog) -> Iterator[Problem]:
    board = catalog.boards[entry.board]
    for slot, type_name in catalog.profiles[entry.profile].sensors.items():
        bus = catalog.sensors[type_name].bus
        if bus_of(board, bus) is None:
            fitting = [name for name, other in catalog.boards.items() if bus_of(other, bus) is not None]
            message = f"board `{board.name}` has no {bus} input for `{slot}` ({type_name})"
            yield document.problem((*place, "board"), message, "boards that have one: " + ", ".join(fitting))


def check_roms(document: Document, placed: Sequence[tuple[Place, NodeEntry]]) -> Iterator[Problem]:
    """Yield a problem for every probe that two nodes claim: a ROM id exists once in the world."""
    owner: dict[object, int] = {}
    for place, entry in placed:
        for slot, given in entry.sensors.items():
            rom = given.get("rom") if isinstance(given, dict) else None
            if isinstance(rom, str) and (other := owner.setdefault(rom, entry.id)) != entry.id:
                at = (*place, "sensors", slot, "rom")
                yield document.problem(at, f"probe {rom[:40]} belongs to node {other} already")
