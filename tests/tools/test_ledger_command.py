"""The ledger of a store with gaps."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_sync.journal import Item, Journal
from device_configs.loader import SITES
from gateway.ledger import DAY_S
from gateway.model import Loss
from gateway.store import Change, Store
from tests.gateway.store.made import made
from tools.ledger_command import app

TODAY_S = 1_795_000_000 // DAY_S * DAY_S
EPOCH = 0xA1B2C3D4


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test begins on one day and ends on another."""
    monkeypatch.setattr("tools.ledger_command.time.time", lambda: TODAY_S + DAY_S / 2)


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


async def filled(state: Path, *gaps: int) -> None:
    store = Store.open(state / "store.db")
    seqs = [n for n in range(144 * 3) if n not in gaps]
    start_s = TODAY_S - 3 * DAY_S
    await store.append(Change(records=[made(n, at_s=start_s + 600 * n) for n in seqs]))
    await store.append(Change(losses=[Loss(11, EPOCH, 10, 11, "overwritten", 1)]))
    await store.close()


async def test_days_that_close(tmp_path: Path) -> None:
    await filled(tmp_path, 10, 11)
    code, out, _ = run("--state", tmp_path, "--site", SITES / "narvik-demo", "--json")
    answer = json.loads(out)
    assert code == 0
    first = answer["days"][0]
    assert (first["measured"], first["heard"], first["lost"]) == (144, 142, {"overwritten": 2})
    assert (answer["measured"], answer["heard"], answer["lost"], answer["missing"]) == (432, 430, 2, 0)
    assert answer["sync"] is None
    assert first["capture_percent"] > 95
    assert answer["capture_percent"] == {"11": 99.5}  # of three days over
    code, out, _ = run("--state", tmp_path, "--site", SITES / "narvik-demo")
    assert "node 11: 99.5 % of what it should have reported has arrived\n" in out


async def test_a_day_that_does_not_close_is_exit_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path, 10, 11, 20)
    journal = Journal.open(tmp_path / "sync.db", 0)
    journal.settle((1, 2), [Item(1, 11, EPOCH, 0, 0, "x"), Item(2, 11, EPOCH, 1, 0, "x")], [], 1)
    journal.close()
    monkeypatch.setenv("COLUMNS", "140")
    code, out, _ = run("--state", tmp_path, "--node", 11)
    assert code == 1
    assert "2 overwritten" in out
    assert "does not close" in out
    assert "2 in InfluxDB, 0 in quarantine" in out


async def test_few_days(tmp_path: Path) -> None:
    await filled(tmp_path, 10, 11, 20)
    code, out, _ = run("--state", tmp_path, "--days", 2, "--json")
    assert code == 0
    assert [day["heard"] for day in json.loads(out)["days"]] == [144]


def test_no_store_is_said_so(tmp_path: Path) -> None:
    code, _, err = run("--state", tmp_path)
    assert code == 1
    assert "there is no store" in err
