"""When a gateway counts as healthy: judged on an injected clock, against a socket that answers for real."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest

from tools.installation.services import wait_healthy


class Answering:
    """A gateway's socket. `status` is what it says; None: the connection closes without an answer."""

    def __init__(self, path: Path) -> None:
        self.status: dict[str, Any] | None = None
        self._socket = socket(AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, connection.makefile("rb") as lines:
                line = lines.readline()
                if not line:
                    return
                if self.status is not None:
                    connection.sendall(json.dumps({"ok": True, **self.status}).encode() + b"\n")

    def close(self) -> None:
        with socket(AF_UNIX) as last:
            last.connect(self._socket.getsockname())
            last.shutdown(1)
            self._thread.join()
        self._socket.close()


class Time:
    """A clock on which sleeping takes no time; `then` happens at given moments."""

    def __init__(self, **then: Any) -> None:
        self.now = 0.0
        self.then = {float(name[2:]): action for name, action in then.items()}

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in [m for m in self.then if m <= self.now]:
            self.then.pop(moment)()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Answering]:
    serving = Answering(tmp_path / "gateway.sock")
    yield serving
    serving.close()


def saying(started_at_ms: int, *, connected: bool = True) -> dict[str, Any]:
    return {"started_at_ms": started_at_ms, "carriers": [{"name": "mqtt", "connected": connected}]}


def judge(state: Path, time: Time, *, sync: bool = False) -> str:
    return wait_healthy(state, sync=sync, within_s=60, steady_s=10, clock=time.clock, sleep=time.sleep)


def test_well_is_ten_seconds_of_good_answers(gateway: Answering, tmp_path: Path) -> None:
    time = Time(at5=lambda: setattr(gateway, "status", saying(1)))
    assert judge(tmp_path, time) == ""
    assert time.now == 15


def test_one_that_starts_again_and_again_is_not(gateway: Answering, tmp_path: Path) -> None:
    gateway.status = saying(0)
    restarts = {f"at{at}": lambda at=at: setattr(gateway, "status", saying(at)) for at in range(8, 61, 8)}
    time = Time(**restarts)
    assert judge(tmp_path, time) == "it keeps starting again"


def test_nor_one_that_does_not_reach_its_broker(gateway: Answering, tmp_path: Path) -> None:
    gateway.status = saying(1, connected=False)
    assert judge(tmp_path, Time()) == "the gateway does not reach its broker"


def test_nor_one_without_the_sync_it_should_have(gateway: Answering, tmp_path: Path) -> None:
    gateway.status = saying(1)
    assert "sync.sock" in judge(tmp_path, Time(), sync=True)


def test_nor_one_that_is_not_there(tmp_path: Path) -> None:
    assert "nobody answers" in judge(tmp_path, Time())
