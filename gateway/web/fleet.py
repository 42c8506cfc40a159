"""The nodes as technicians see them: how each is, and what to do next about it, the worst first. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.model import NodeState
from gateway.web.links import SNR_LEAST, Link, links, margin_db
from gateway.web.live import NodeLive
from gateway.web.way import NodeCounts
from wire.quantities import FAULT

Trouble = Literal[
    "never",
    "shelf",
    "silent",
    "sensor",
    "battery_stop",
    "battery",
    "restarts",
    "backlog",
    "lost",
    "link",
    "firmware",
    "ok",
]
TROUBLES: tuple[Trouble, ...] = (
    "silent", "sensor", "battery_stop", "restarts", "battery", "backlog", "lost", "never", "shelf", "link",
    "firmware", "ok",
)  # fmt: skip
_URGENT: frozenset[Trouble] = frozenset({"silent", "sensor", "battery_stop", "restarts"})
_SOON: frozenset[Trouble] = frozenset({"battery", "backlog", "lost", "link"})

_WIFI_LEAST_DBM = -85
_MARGIN_LOW_DB = 5.0
_BACKLOG_RECORDS = 6  # as many may always be on their way
_RESTARTS = 3
# As MicroPython numbers them on ESP32.
_CAUSES = {1: "power", 2: "reset", 3: "watchdog", 4: "sleep", 5: "soft"}


@dataclass(frozen=True, slots=True)
class Battery:
    """`share` is 0 where the node stops, and 1 as far above its recovery as the stop lies below it."""

    mv: int
    share: float
    low: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One node. Counts are of records; None is what nobody has told yet."""

    node: NodeLive
    trouble: Trouble
    battery: Battery | None
    margin_db: float | None
    waiting: int
    counts: NodeCounts
    firmware: str
    config: str
    boots: int | None
    boot_cause: str
    status_at_s: int | None
    links: tuple[Link, ...] = ()

    @property
    def mark(self) -> Literal["fault", "warning", "info", "ok"]:
        """How urgent it is."""
        if self.trouble in _URGENT:
            return "fault"
        return "warning" if self.trouble in _SOON else "ok" if self.trouble == "ok" else "info"


def fleet(
    nodes: Iterable[NodeLive],
    counts: Mapping[int, NodeCounts],
    states: Iterable[NodeState],
    now_s: float,
    spreading_factor: int | None = None,
) -> list[Row]:
    """Return a row for each node, the one in most trouble first, then by name."""
    told = {state.node: state for state in states}
    nodes = list(nodes)
    firmwares = {id_: str(_status(told.get(id_)).get("firmware", "")) for id_ in (n.place.id for n in nodes)}
    newest: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        version = _version(firmwares[node.place.id])
        board = node.place.node.board
        newest[board] = max(newest.get(board, ()), version)
    rows = [
        _row(
            node,
            counts.get(node.place.id, NodeCounts()),
            told.get(node.place.id),
            now_s,
            spreading_factor,
            newest[node.place.node.board],
        )
        for node in nodes
    ]
    return sorted(rows, key=lambda row: (TROUBLES.index(row.trouble), row.node.place.node.name))


def _row(
    node: NodeLive,
    counts: NodeCounts,
    state: NodeState | None,
    now_s: float,
    spreading_factor: int | None,
    newest: tuple[int, ...],
) -> Row:
    status = _status(state)
    battery = _battery(node, status)
    margin = _margin(node, spreading_factor)
    waiting = max(0, counts.measured - counts.stored - counts.lost)
    boot = status.get("boot")
    boot = boot if isinstance(boot, list) and all(isinstance(n, int) for n in boot) else []
    firmware = str(status.get("firmware", ""))
    restarting = len(boot) > 3 and boot[3] >= _RESTARTS
    trouble: Trouble = "ok"
    if node.on_shelf_s is not None:
        trouble = "shelf"
    elif node.last is None:
        trouble = "never"
    elif node.stale(now_s):
        trouble = "battery_stop" if battery and battery.low else "silent"
    elif (sample := node.newest.get(node.place.main)) is not None and sample.quality == FAULT:
        trouble = "sensor"
    elif restarting:
        trouble = "restarts"
    elif battery and battery.low:
        trouble = "battery"
    elif waiting > max(_BACKLOG_RECORDS, 7200 // node.place.interval_s):
        trouble = "backlog"
    elif counts.lost:
        trouble = "lost"
    elif margin is not None and margin < _MARGIN_LOW_DB:
        trouble = "link"
    elif firmware and _version(firmware) < newest:
        trouble = "firmware"
    return Row(
        node,
        trouble,
        battery,
        margin,
        waiting,
        counts,
        firmware,
        str(status.get("config", "")),
        boot[0] if boot else None,
        _CAUSES.get(boot[1], "other") if len(boot) > 1 else "",
        None if state is None or state.status_at_ms is None else state.status_at_ms // 1000,
        links(node.last),
    )


def _status(state: NodeState | None) -> dict[str, Any]:
    found = json.loads(state.status) if state is not None else {}
    return found if isinstance(found, dict) else {}


def _battery(node: NodeLive, status: Mapping[str, Any]) -> Battery | None:
    limits = node.place.node.profile.battery
    if limits is None:
        return None
    sample = node.newest.get("battery_voltage_mv")
    value = sample.value if sample is not None else status.get("battery_mv")
    if not isinstance(value, int | float):
        return None
    full_mv = 2 * limits.recover_mv - limits.stop_mv
    share = (value - limits.stop_mv) / (full_mv - limits.stop_mv)
    return Battery(round(value), min(1.0, max(0.0, share)), value < limits.low_mv)


def _margin(node: NodeLive, spreading_factor: int | None) -> float | None:
    """Return by how many dB the newest record was heard better than it had to be."""
    last = node.last
    if last is None:
        return None
    if last.receivers:
        return margin_db(last.receivers[0])
    if last.carrier == "lora":
        least = SNR_LEAST.get(spreading_factor or 0)
        return None if last.snr_db is None or least is None else last.snr_db - least
    return None if last.rssi_dbm is None else float(last.rssi_dbm - _WIFI_LEAST_DBM)


def _version(text: str) -> tuple[int, ...]:
    """Return a version's numbers, so that 1.10 is newer than 1.9; () of what is none."""
    parts = text.split("+")[0].split("-")[0].split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
