"""`sensornett gateway` as people type it. That it serves is tested with gateway/app.py."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.web.users import fits, read_users
from tools.gateway_command import app

STATUS = {
    "site": "here",
    "carriers": [{"name": "mqtt", "connected": True}],
    "stored": 7,
    "last_commit": 9,
    "refusals": {"bad_tag": 3},
    "room": {
        "used_bytes": 5 << 20,
        "cap_bytes": 9 << 20,
        "oldest_unsynced_s": 7200,
        "outage_hours_left": 31.4,
    },
    "conditions": [{"name": "disk_full", "urgent": True, "text": "The disk is full"}],
    "nodes": [
        {"node": 11, "stored": 7, "last_seen_ms": 1_795_000_000_000, "status_at_ms": None, "welcomed": True},
        {"node": 12, "stored": 0, "last_seen_ms": 7, "status_at_ms": 7, "shelved_at_ms": 7, "welcomed": True},
    ],
}


class Answering:
    """A gateway's socket that gives one answer to whatever it is asked."""

    def __init__(self, state: Path) -> None:
        self.asked: dict[str, Any] = {}
        self.answer: dict[str, Any] = {"ok": True}
        self._socket = socket(AF_UNIX)
        self._socket.bind(str(state / "gateway.sock"))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rb") as lines:
            if line := lines.readline():
                self.asked = json.loads(line)
                connection.sendall(json.dumps(self.answer).encode() + b"\n")

    def close(self) -> None:
        with socket(AF_UNIX) as last:  # lets a server that nobody asked come to its end
            last.connect(self._socket.getsockname())
            last.shutdown(1)
            self._thread.join()
        self._socket.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Answering]:
    serving = Answering(tmp_path)
    yield serving
    serving.close()


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_status_for_people(gateway: Answering, tmp_path: Path) -> None:
    gateway.answer |= STATUS
    code, out, _ = run("status", "--state", tmp_path)
    assert code == 0
    assert "mqtt: connected" in out
    assert "refused, bad tag: 3 frames" in out
    assert "5 of 9 MB" in out
    assert "waited 120 min for sync, sync may be away for 31 h" in out
    assert "! The disk is full" in out
    assert "2026-11-18 11:06:40" in out
    assert "never" in out
    assert out.count("on the shelf") == 1


def test_status_for_programs(gateway: Answering, tmp_path: Path) -> None:
    gateway.answer |= STATUS
    code, out, err = run("status", "--state", tmp_path, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == STATUS


def test_a_node_is_asked(gateway: Answering, tmp_path: Path) -> None:
    gateway.answer |= {"node": 11}
    code, out, _ = run("ask", "11", "--state", tmp_path, "--json")
    assert (code, json.loads(out)) == (0, {"node": 11})
    assert gateway.asked == {"do": "ask", "node": 11}


def test_no_is_exit_status_1(gateway: Answering, tmp_path: Path) -> None:
    gateway.answer = {"ok": False, "error": "there is no node 99"}
    code, _, err = run("ask", "99", "--state", tmp_path)
    assert (code, err) == (1, "there is no node 99\n")


def test_without_a_gateway_the_next_step_is_said(tmp_path: Path) -> None:
    code, _, err = run("status", "--state", tmp_path)
    assert code == 1
    assert "Is the gateway running?" in err


def test_what_it_has_to_be_told(tmp_path: Path) -> None:
    assert run()[0] == 2
    code, _, err = run("--site", tmp_path, "--state", tmp_path, "--broker", "nowhere:x")
    assert code == 1
    assert "expected host:port" in err


def user(*words: str, password: str = "") -> Any:
    return CliRunner().invoke(app, ["user", *words], input=password + "\n" if password else None)


def test_users_come_and_go_and_the_password_is_never_an_argument(tmp_path: Path) -> None:
    state = ["--state", str(tmp_path)]
    assert "Nobody may log in yet" in user("list", *state).output
    added = user("add", "Vakt", "--role", "technician", *state, password="en lang setning")
    assert (added.exit_code, "may log in as technician" in added.output) == (0, True)
    found = json.loads(user("list", "--json", *state).stdout)
    assert found == {"users": [{"name": "Vakt", "role": "technician"}]}
    assert fits(read_users(tmp_path / "users.json")["Vakt"], "en lang setning")
    assert user("remove", "Vakt", *state).exit_code == 0
    assert json.loads(user("list", "--json", *state).stdout) == {"users": []}
    deeds = [json.loads(line)["did"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert deeds == ["user added", "user removed"]


@pytest.mark.parametrize(
    ("words", "password", "status", "said"),
    [
        (["add", "Vakt", "--role", "king"], "en lang setning", 2, "viewer, operator, technician"),
        (["add", "Vakt"], "kort", 1, "12 to 256"),
        (["add", "<x>"], "en lang setning", 1, "a name has"),
        (["remove", "Vakt"], "", 1, "no user"),
    ],
)
def test_what_is_no_user(tmp_path: Path, words: list[str], password: str, status: int, said: str) -> None:
    found = user(*words, "--state", str(tmp_path), password=password)
    assert (found.exit_code, said in found.output) == (status, True)
    assert not (tmp_path / "users.json").exists()
