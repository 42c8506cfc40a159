"""`sensornett sync` from the command line: what is said, and with which exit status."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cloud_sync.daemon import LATEST_S, SOCKET_NAME
from device_configs.loader import SITES
from gateway.control import Control, Message
from tools.sync_command import app

SITE = SITES / "narvik-demo"
REFUSED = {
    "id": 7, "store_id": "aa", "commit": 3, "node": 11, "epoch": 5, "seq": 2, "measured_at_s": 1_795_000_000,
    "line": "snow seq=2i", "status": 422, "reason": "field type conflict", "refused_at_ms": 5, "retry": False,
}  # fmt: skip


def run(*words: object, input: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], input=input)
    return result.exit_code, result.stdout, result.stderr


class Answering:
    """A sync process that says what it is told to; `asked` are the messages it got."""

    def __init__(self, state: Path) -> None:
        self.asked: list[Message] = []
        self.status: dict[str, Any] = {"state": "ok", "synced": 4, "read_back": {"state": "whole"}}
        self._state = state
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self._ready.wait()

    def _serve(self) -> None:
        async def told(message: Message, answer: Message) -> Message:
            self.asked.append(message)
            return answer

        verbs = {
            "status": lambda m: told(m, dict(self.status)),
            "quarantine": lambda m: told(m, {"quarantine": [REFUSED]}),
            "show": lambda m: told(m, {"record": REFUSED}),
            "retry": lambda m: told(m, {"records": 1}),
            "drop": lambda m: told(m, {"records": 2}),
            "again": lambda m: told(m, {"records": 90}),
        }

        async def serve() -> None:
            self._stop = asyncio.Event()
            task = asyncio.create_task(Control(self._state / SOCKET_NAME, verbs).serve())
            while not (self._state / SOCKET_NAME).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            self._ready.set()
            await self._stop.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._loop.run_until_complete(serve())
        self._loop.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[Answering]:
    serving = Answering(tmp_path)
    yield serving
    serving.close()


def test_what_is_missing_is_usage() -> None:
    code, _, err = run()
    assert (code, "--site DIR and --state DIR" in err) == (2, True)
    code, _, err = run("--site", SITE, "--state", "x", "--influx", "influx:8086")
    assert (code, "looks like http" in err) == (2, True)


def test_without_an_address_it_is_off(tmp_path: Path) -> None:
    code, _, err = run("--site", SITE, "--state", tmp_path)
    assert (code, "Sync is off" in err) == (0, True)
    code, out, _ = run("status", "--state", tmp_path, "--json")
    assert (code, json.loads(out)) == (1, {"state": "off"})


def test_a_wrong_site_and_a_secret_that_is_not_there_are_configuration(tmp_path: Path) -> None:
    where = ["--state", tmp_path, "--influx", "http://127.0.0.1:1"]
    code, _, err = run("--site", tmp_path / "nowhere", *where)
    assert (code, "no such folder" in err) == (3, True)
    code, _, err = run("--site", SITE, *where, "--token-file", tmp_path / "token")
    assert (code, "cannot be read" in err) == (3, True)


def test_status(sync: Answering, tmp_path: Path) -> None:
    code, out, _ = run("status", "--state", tmp_path)
    assert code == 0
    assert "read back state" in out
    sync.status["state"] = "hold"
    code, out, _ = run("status", "--state", tmp_path, "--json")
    assert (code, json.loads(out)["state"]) == (1, "hold")


def test_quarantine(sync: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    code, out, _ = run("quarantine", "list", "--state", tmp_path)
    assert (code, "field type conflict" in out) == (0, True)
    code, out, _ = run("quarantine", "show", 7, "--state", tmp_path)
    assert (code, "snow seq=2i" in out) == (0, True)
    code, out, _ = run("quarantine", "retry", 7, "--state", tmp_path)
    assert (code, out) == (0, "1 records will be sent once more.\n")
    code, out, _ = run("quarantine", "drop", "--all", "--yes", "--state", tmp_path, "--json")
    assert (code, json.loads(out)) == (0, {"records": 2})
    assert sync.asked[-2:] == [{"do": "retry", "ids": [7]}, {"do": "drop", "ids": "all"}]


def test_giving_up_is_asked_about(sync: Answering, tmp_path: Path) -> None:
    code, _, _ = run("quarantine", "drop", 7, "--state", tmp_path, input="n\n")
    assert code == 1
    assert sync.asked == []
    code, _, err = run("quarantine", "drop", "--state", tmp_path)
    assert (code, "--all" in err) == (2, True)


def test_points_are_asked_for_once_more(sync: Answering, tmp_path: Path) -> None:
    code, out, _ = run("again", "--state", tmp_path, "--since", "2026-11-01")
    assert (code, out.startswith("90 records will be written once more")) == (0, True)
    times = "--since", "2026-11-01T06:00", "--until", "2026-11-02"
    code, out, _ = run("again", "--state", tmp_path, *times, "--json")
    assert (code, json.loads(out)) == (0, {"records": 90})
    asked = [(message["do"], message["from_s"], message["to_s"]) for message in sync.asked]
    assert asked == [("again", 1_793_491_200, LATEST_S), ("again", 1_793_512_800, 1_793_577_600)]
    code, _, err = run("again", "--state", tmp_path, "--since", "2026-11-02", "--until", "2026-11-01")
    assert (code, "is not after --since" in err) == (2, True)


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    code, _, err = run("quarantine", "list", "--state", tmp_path)
    assert (code, "does not run here" in err) == (1, True)
