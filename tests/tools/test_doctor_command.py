"""Every trouble is named with its next step."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.control import ControlError, Message
from tools.doctor_command import NEXT_STEPS, app, examine
from tools.finding import Health

NOW_S = 1_795_000_000.0
GATEWAY: dict[str, Any] = {
    "stored": 9,
    "carriers": [{"name": "mqtt", "connected": True}],
    "conditions": [],
    "nodes": [{"node": 11, "last_seen_ms": NOW_S * 1000}],
    "room": {"outage_hours_left": 5000.0},
}
SYNC: dict[str, Any] = {
    "state": "ok",
    "synced": 9,
    "pending": 0,
    "quarantined": 0,
    "oldest_unsynced_age_s": None,
    "last_error": None,
    "url": "http://influx:8086",
    "read_back": {"missing": 0},
}


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """However full the disk is on which the tests run."""
    monkeypatch.setattr("tools.doctor_command.FREE_WARN", 0)


def findings(
    state: Path, gateway: dict[str, Any] | None, sync: dict[str, Any] | None, *, synchronised: bool = True
) -> dict[str, tuple[Health, str]]:
    (state / "sync.sock").touch()

    def ask(path: Path, _: Message) -> Message:
        told = sync if path.name == "sync.sock" else gateway
        if told is None:
            raise ControlError(f"{path}: nobody answers")
        return told

    found = examine(state, ask, NOW_S, synchronised)
    for finding in found:
        assert bool(finding.next_step) is (finding.health is not Health.OK), finding
    return {finding.what: (finding.health, finding.text) for finding in found}


def test_all_is_well(tmp_path: Path) -> None:
    found = findings(tmp_path, GATEWAY, SYNC)
    assert {health for health, _ in found.values()} == {Health.OK}
    assert list(found) == ["gateway", "mqtt", "nodes", "sync", "clock", "disk"]


@pytest.mark.parametrize(
    ("gateway", "sync", "what", "health", "says"),
    [
        (None, SYNC, "gateway", Health.FAILURE, "nobody answers"),
        (GATEWAY, None, "sync", Health.FAILURE, "nobody answers"),
        (
            {**GATEWAY, "carriers": [{"name": "mqtt", "connected": False}]},
            SYNC, "mqtt", Health.FAILURE, "not connected",
        ),
        ({**GATEWAY, "nodes": [{"node": 7, "last_seen_ms": None}]}, SYNC, "nodes", Health.WARNING, "1 of 1"),
        (GATEWAY, {**SYNC, "quarantined": 3}, "quarantine", Health.WARNING, "3 records"),
        (GATEWAY, {**SYNC, "read_back": {"missing": 4}}, "read back", Health.FAILURE, "lacks 4"),
        (
            GATEWAY,
            {**SYNC, "state": "hold", "pending": 5, "oldest_unsynced_age_s": 60, "last_error": "401: no"},
            "sync", Health.FAILURE, "401: no",
        ),
        (
            GATEWAY,
            {**SYNC, "state": "retrying", "pending": 5, "oldest_unsynced_age_s": 7200.0},
            "sync", Health.WARNING, "2.0 h; room for 5000 h",
        ),
        (
            {**GATEWAY, "room": {"outage_hours_left": 30.0}},
            {**SYNC, "state": "retrying", "pending": 5, "oldest_unsynced_age_s": 7200.0},
            "sync", Health.FAILURE, "room for 30 h",
        ),
        (GATEWAY, {**SYNC, "pending": 5, "oldest_unsynced_age_s": 9e3}, "sync", Health.WARNING, "5 records"),
    ],
)  # fmt: skip
def test_each_trouble(
    tmp_path: Path,
    gateway: dict[str, Any] | None,
    sync: dict[str, Any] | None,
    what: str,
    health: Health,
    says: str,
) -> None:
    found = findings(tmp_path, gateway, sync)[what]
    assert found[0] is health
    assert says in found[1]


@pytest.mark.parametrize("name", NEXT_STEPS)
def test_each_condition_has_a_next_step(tmp_path: Path, name: str) -> None:
    condition = {"name": name, "urgent": name != "watermark", "text": "so it is"}
    found = findings(tmp_path, {**GATEWAY, "conditions": [condition]}, SYNC)
    assert found["store"] == (Health.WARNING if name == "watermark" else Health.FAILURE, "so it is")


def test_the_clock(tmp_path: Path) -> None:
    assert findings(tmp_path, GATEWAY, SYNC, synchronised=False)["clock"][0] is Health.WARNING
    (tmp_path / "sync.sock").unlink()
    found = examine(tmp_path, lambda *_: GATEWAY, 5.0, True)
    assert [f.health for f in found if f.what == "clock"] == [Health.FAILURE]


def test_sync_that_is_off_or_gone(tmp_path: Path) -> None:
    found = {f.what: f for f in examine(tmp_path, lambda *_: GATEWAY, NOW_S, True)}
    assert found["sync"].health is Health.OK
    (tmp_path / "sync.db").touch()
    found = {f.what: f for f in examine(tmp_path, lambda *_: GATEWAY, NOW_S, True)}
    assert found["sync"].health is Health.FAILURE


def test_the_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--state", str(tmp_path), "--json"])
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert answer["ok"] is False
    assert answer["findings"][0]["what"] == "gateway"
    shown = CliRunner().invoke(app, ["--state", str(tmp_path / "nowhere")])
    assert shown.exit_code == 1
    assert "FAILED" in shown.stdout
    assert "Is --state right?" in shown.stdout
