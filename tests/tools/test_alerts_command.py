"""`sensornett alerts` as people type them, against real alerts behind a real socket."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from device_configs.loader import SITES
from gateway.alerts.channels import ChannelsFile
from gateway.control import SOCKET_NAME, Control
from gateway.notify import Notifier, Settings
from tests.gateway.alerts.made import intake
from tests.gateway.alerts.running import Running
from tools import alerts_command

CHANNELS = {"channels": [{"recipient": "vei", "url": "json://somewhere"}]}


class Serving:
    """Alerts of a clogged grate, served in a thread of their own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        assert self._ready.wait(60)

    async def _serve(self) -> None:
        running = Running(self.state)
        await running.clog()
        settings = Settings(ChannelsFile.model_validate_json(json.dumps(CHANNELS)), send=lambda *_: "taken")
        tasks = [
            asyncio.create_task(Control(self.state / SOCKET_NAME, running.verbs).serve()),
            asyncio.create_task(Notifier(running.alerts, settings, now_ms=lambda: running.now_ms).run()),
        ]
        while not (self.state / SOCKET_NAME).exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self._ready.set()
        await self._stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await running.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Path]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    serving = Serving(tmp_path)
    yield tmp_path
    serving.close()
    structlog.reset_defaults()


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(alerts_command.app, [str(word) for word in words], terminal_width=200)
    return result.exit_code, result.output


def as_json(*words: object) -> Any:
    code, out = run(*words, "--json")
    assert code == 0, out
    return json.loads(out)


def test_from_the_list_to_the_outcome(serving: Path) -> None:
    where = ("--state", serving)
    code, out = run("list", *where)
    assert code == 0
    assert "Rista tettes" in out
    assert "The grate is clogging" in run("list", *where, "--language", "en")[1]
    assert run("ack", "rista-tettes/11", *where, "--by", "vakt")[0] == 0
    code, out = run("ack", "rista-tettes/11", *where, "--by", "annen")
    assert (code, out) == (1, "vakt has acknowledged it already\n")
    assert run("shelve", "kulvert-60/11", *where, "--minutes", 30, "--by", "vakt")[0] == 0
    assert run("unshelve", "kulvert-60/11", *where)[0] == 0
    assert run("disable", "isfare/11", *where, "--note", "ny sensor")[0] == 0
    assert run("enable", "isfare/11", *where)[0] == 0
    assert run("maintain", 12, *where, "--minutes", 5)[0] == 0
    assert run("close", "rista-tettes/11", "real", *where, "--minutes", 20, "--by", "vakt")[0] == 0
    assert run("close", "rista-tettes/11", "perhaps", *where)[0] == 1
    told = as_json("history", *where)
    assert {"raised", "acknowledged"} <= {event["kind"] for event in told["events"]}
    out = run("history", *where)[1]
    assert "100 %" in out


def test_a_drill_times_each_leg(serving: Path) -> None:
    told = as_json("drill", "rista-tettes/11", "--state", serving, "--wait", 60)
    assert told["delivered"]
    assert told["sensor_to_gateway_ms"] == 0
    assert [attempt["channel"] for attempt in told["attempts"]] == ["json"]
    code, out = run("drill", "tak-80/22", "--state", serving, "--wait", 1)
    assert code == 1  # nothing leads to `bygg` here
    assert "refused: no channel" in out


def test_history_is_rehearsed_beside_other_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fill() -> int:
        running = Running(tmp_path)
        await running.clog()
        for i in range(3):
            await running.store_record(intake(running.now_ms // 1000 + 600 * (i + 1), 200, 190))
        now_s = running.now_ms // 1000
        for rule, outcome in (("rista-tettes/11", "real"), ("stiger-fort/11", "false")):
            await running.verbs["alerts_close"]({"id": rule, "outcome": outcome, "by": "vakt"})
        await running.close()
        return now_s

    now_s = asyncio.run(fill())
    monkeypatch.setattr(time, "time", lambda: now_s + 60)
    site = SITES / "narvik-demo"
    told = as_json("rehearse", "--site", site, "--state", tmp_path, "--against", site)
    assert told["tried"]["by_rule"] == {"rista-tettes": 1}
    assert told["tried"] == told["against"]
    # Both happened at the same place within the hour, so a page for the one is a page for the other.
    assert told["tried"]["caught"] == {"real": [1, 1], "false": [1, 1]}
    out = run("rehearse", "--site", site, "--state", tmp_path, "--against", site)[1]
    assert "of 1 alerts recorded as real it would have paged for 1 (other rules: 1)" in out
    assert "1 pages in 0.1 days, 1 on the busiest." in out


def test_without_a_gateway_the_next_step_is_said(tmp_path: Path) -> None:
    code, out = run("list", "--state", tmp_path)
    assert code == 1
    assert "Is the gateway running?" in out
