"""Settings for nodes in the field: what would change, and the file from which the gateway hands them out.

Those given out before stay beside it, so that a node by radio need only be told what is different.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_configs.compile import Settings, config_hash, settings_bytes
from gateway.changes import digest
from gateway.outgoing import FOLDER
from tools.node.registry import replace

OLD_KEPT = 4  # settings of a node that it may still have
SECRET = {"password", "wifi_password", "ca"}


@dataclass(frozen=True, slots=True)
class Change:
    """One value, by its place in the settings: from what, to what; None: not there."""

    place: str
    old: Any
    new: Any

    def __str__(self) -> str:
        shown = [_shown(self.place, value) for value in (self.old, self.new)]
        return f"{self.place}: {shown[0]} -> {shown[1]}"


def path_of(state: Path, node: int) -> Path:
    """Return the file with the settings a node is to have."""
    return state / FOLDER / f"{node}.json"


def handed_out(state: Path, node: int) -> Settings | None:
    """Return the settings a node is to have by now, None where it never was given any."""
    try:
        found: Settings = json.loads(path_of(state, node).read_text())
    except (OSError, ValueError):
        return None
    return found


def site_of(state: Path) -> str | None:
    """Return the site whose nodes were given settings from this state directory, None before the first."""
    for path in sorted((state / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(path.read_text())["site"])
    return None


def hand_out(state: Path, settings: Settings) -> str:
    """Have the gateway give a node these settings; return their hash. Raises OSError."""
    path = path_of(state, settings["node"])
    path.parent.mkdir(parents=True, exist_ok=True)
    new = settings_bytes(settings)
    _keep_old(path, new)
    replace(path, new.decode(), 0o600)
    return config_hash(settings).hex()


def _keep_old(path: Path, new: bytes) -> None:
    try:
        old = path.read_bytes()
    except FileNotFoundError:
        return
    if old == new:
        return
    name = f"{path.stem}.{digest(old).hex()}.json"
    replace(path.with_name(name), old.decode(), 0o600)
    kept = sorted(path.parent.glob(f"{path.stem}.*.json"), key=lambda file: file.stat().st_mtime_ns)
    for file in kept[:-OLD_KEPT]:
        file.unlink()


def changes(old: Settings | None, new: Settings) -> list[Change]:
    """Return what is different, in the order of its places."""
    before, after = dict(_flat(old or {})), dict(_flat(new))
    return [
        Change(place, before.get(place), after.get(place))
        for place in sorted(before.keys() | after.keys())
        if before.get(place) != after.get(place)
    ]


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value:
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{place}.{i}")
    else:
        yield place, value


def _shown(place: str, value: Any) -> str:
    if value is not None and place.rpartition(".")[2] in SECRET:
        return "(secret)"
    return json.dumps(value, ensure_ascii=False)
