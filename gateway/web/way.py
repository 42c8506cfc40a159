"""The way of the records, counted at each place: nodes -> gateway -> InfluxDB."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from gateway.control import SOCKET_NAME, ControlError, Message, request
from gateway.model import Epoch, Loss, Refusal, Span
from gateway.store import SYNC_JOURNAL

# Of the sync process; the gateway must not import its code.
SYNC_SOCKET = "sync.sock"
TIMEOUT_S = 2.0

SyncState = Literal["off", "silent", "ok", "retrying", "hold"]


@dataclass(frozen=True, slots=True)
class Sync:
    """What sync says of itself. Counts of records. off: never set up here; silent: it does not answer."""

    state: SyncState
    synced: int = 0
    pending: int = 0
    quarantined: int = 0
    dropped: int = 0
    error: str | None = None
    error_at_s: int | None = None
    oldest_s: int | None = None
    """Age of the oldest record that has not been sent, to the minute; None where all have been."""


@dataclass(frozen=True, slots=True)
class Way:
    """Counts of records; `refused` counts frames. `measured` is as far as the nodes have told."""

    measured: int
    stored: int
    lost: int
    refused: int
    sync: Sync
    outage_left_s: int | None = None
    """How long sync may still be away, at today's rate, before records are lost; None: not known yet."""

    @property
    def waiting(self) -> int:
        """Records that are still on the nodes, as far as known."""
        return max(0, self.measured - self.stored - self.lost)


class Ledger(Protocol):
    """What counting needs of a store's reader."""

    def epochs(self) -> list[Epoch]: ...
    def heard(self, node: int, epoch: int) -> list[Span]: ...
    def losses(self) -> list[Loss]: ...
    def refusals(self) -> dict[tuple[Refusal, int], int]: ...


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """Of one node: how many records it has made, how many are stored, how many will never come."""

    measured: int = 0
    stored: int = 0
    lost: int = 0


def counts(ledger: Ledger) -> dict[int, NodeCounts]:
    """Return what became of each node's records, without reading the records themselves."""
    lost: dict[tuple[int, int], int] = {}
    for loss in ledger.losses():
        key = loss.node, loss.epoch
        lost[key] = lost.get(key, 0) + loss.last - loss.first + 1
    found: dict[int, NodeCounts] = {}
    for epoch in ledger.epochs():
        spans = ledger.heard(epoch.node, epoch.epoch)
        before = found.get(epoch.node, NodeCounts())
        found[epoch.node] = NodeCounts(
            before.measured + max(epoch.next_seq, spans[-1][1] + 1 if spans else 0),
            before.stored + sum(last - first + 1 for first, last in spans),
            before.lost + lost.get((epoch.node, epoch.epoch), 0),
        )
    return found


def way(of_nodes: Sequence[NodeCounts], ledger: Ledger, sync: Sync, outage_left_s: int | None = None) -> Way:
    """Add up what `counts` found."""
    return Way(
        sum(c.measured for c in of_nodes),
        sum(c.stored for c in of_nodes),
        sum(c.lost for c in of_nodes),
        sum(ledger.refusals().values()),
        sync,
        outage_left_s,
    )


def ask_gateway(
    state: Path, ask: Callable[[Path, Message, float], Message] = request
) -> tuple[Sync, int | None]:
    """Return how sync is, and how long it may still be away. Never raises; may take twice TIMEOUT_S.

    Where sync does not answer, the gateway knows how long the oldest record has waited.
    """
    sync = ask_sync(state, ask)
    if sync.state == "off":
        return sync, None
    try:
        room = ask(state / SOCKET_NAME, {"do": "room"}, TIMEOUT_S)["room"] or {}
        hours, oldest_s = room.get("outage_hours_left"), room.get("oldest_unsynced_s")
        if sync.state == "silent" and oldest_s is not None:
            sync = replace(sync, oldest_s=int(oldest_s) // 60 * 60)
        return sync, None if hours is None else int(hours) * 3600
    except (ControlError, KeyError, TypeError, ValueError, AttributeError):
        return sync, None  # it is just starting anew


def ask_sync(state: Path, ask: Callable[[Path, Message, float], Message] = request) -> Sync:
    """Ask the sync process whose files are in `state`. Never raises; may take TIMEOUT_S."""
    path = state / SYNC_SOCKET
    if not path.exists() and not (state / SYNC_JOURNAL).exists():
        return Sync("off")
    try:
        told = ask(path, {"do": "status"}, TIMEOUT_S)
        at_ms, age_s = told["last_error_at_ms"], told["oldest_unsynced_age_s"]
        return Sync(
            told["state"],
            int(told["synced"]),
            int(told["pending"]),
            int(told["quarantined"]),
            int(told["dropped"]),
            told["last_error"],
            None if at_ms is None else int(at_ms) // 1000,
            None if age_s is None else int(age_s) // 60 * 60,
        )
    except ControlError as error:
        return Sync("silent", error=str(error))
    except (KeyError, TypeError, ValueError) as error:
        return Sync("silent", error=f"{path}: sync answers in another way than expected: {error!r}")
