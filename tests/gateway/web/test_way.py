"""Counting the records on their way."""

from pathlib import Path

import pytest

from gateway.control import ControlError, Message
from gateway.model import Epoch, Loss, Refusal, Span
from gateway.web.way import NodeCounts, Sync, ask_gateway, ask_sync, counts, way

OK = {
    "state": "ok", "synced": 90, "pending": 5, "quarantined": 2, "dropped": 1, "last_error": None,
    "last_error_at_ms": None, "oldest_unsynced_age_s": 145.5,
}  # fmt: skip


class Ledger:
    """Node 11 has had two epochs, node 12 has only introduced itself."""

    def epochs(self) -> list[Epoch]:
        return [Epoch(11, 1, 0, 100), Epoch(11, 2, 0, 5), Epoch(12, 7, 0, 3)]

    def heard(self, node: int, epoch: int) -> list[Span]:
        return {(11, 1): [(0, 49), (60, 99)], (11, 2): [(0, 19)]}.get((node, epoch), [])

    def losses(self) -> list[Loss]:
        return [Loss(11, 1, 50, 54, "overwritten", 0), Loss(11, 1, 55, 57, "gone", 0)]

    def refusals(self) -> dict[tuple[Refusal, int], int]:
        return {(Refusal.REPLAY, 11): 3, (Refusal.BAD_TAG, 12): 4}


def test_counts_by_node_over_all_its_epochs() -> None:
    # Of the second epoch more was heard than its status knew of.
    assert counts(Ledger()) == {11: NodeCounts(120, 110, 8), 12: NodeCounts(3, 0, 0)}


def test_the_way_adds_up() -> None:
    found = way(list(counts(Ledger()).values()), Ledger(), Sync("off"))
    assert (found.measured, found.stored, found.lost, found.refused) == (123, 110, 8, 7)
    assert found.waiting == 123 - 110 - 8


def test_without_its_files_sync_is_off(tmp_path: Path) -> None:
    assert ask_sync(tmp_path) == Sync("off")


def test_sync_set_up_but_not_running_is_silent(tmp_path: Path) -> None:
    (tmp_path / "sync.db").touch()
    found = ask_sync(tmp_path)
    assert found.state == "silent"
    assert found.error


@pytest.mark.parametrize("state", ["ok", "retrying", "hold"])
def test_what_sync_says(tmp_path: Path, state: str) -> None:
    (tmp_path / "sync.sock").touch()
    asked = []

    def ask(path: Path, message: Message, timeout_s: float) -> Message:
        asked.append((path, message, timeout_s))
        return {**OK, "state": state, "last_error": "away", "last_error_at_ms": 5000}

    found = ask_sync(tmp_path, ask)
    assert found == Sync(state, 90, 5, 2, 1, "away", 5, 120)  # type: ignore[arg-type]
    assert asked == [(tmp_path / "sync.sock", {"do": "status"}, 2.0)]


def test_an_answer_nobody_expects_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "sync.sock").touch()
    assert ask_sync(tmp_path, lambda *_: {"strange": 1}).state == "silent"

    def refuse(*_: object) -> Message:
        raise ControlError("not now")

    assert ask_sync(tmp_path, refuse) == Sync("silent", error="not now")


def test_how_long_sync_may_be_away(tmp_path: Path) -> None:
    def ask(path: Path, message: Message, timeout_s: float) -> Message:
        if path.name == "sync.sock":
            raise ControlError("it does not run")
        assert (message, timeout_s) == ({"do": "room"}, 2.0)
        return {"room": {"outage_hours_left": 99.7, "oldest_unsynced_s": 4000}}

    assert ask_gateway(tmp_path, ask) == (Sync("off"), None)
    (tmp_path / "sync.db").touch()
    # Sync is dead, and the gateway knows how long the oldest record has waited.
    assert ask_gateway(tmp_path, ask) == (Sync("silent", error="it does not run", oldest_s=3960), 99 * 3600)
    assert ask_gateway(tmp_path, lambda *_: {"room": None}) == (ask_sync(tmp_path, lambda *_: {}), None)

    def refuse(*_: object) -> Message:
        raise ControlError("starting")

    assert ask_gateway(tmp_path, refuse) == (Sync("silent", error="starting"), None)
