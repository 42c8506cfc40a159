import json
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest
from typer.testing import CliRunner

from tools.inspect_command import app


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """A gateway's socket that notes what it is asked, and says no to more than 100 percent."""
    messages: list[dict[str, Any]] = []
    listening = socket(AF_UNIX)
    listening.bind(str(tmp_path / "gateway.sock"))
    listening.listen()

    def serve() -> None:
        while True:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as lines:
                line = lines.readline()
                if not line:
                    return
                messages.append(json.loads(line))
                good = messages[-1]["blocked_percent"] <= 100
                answer = {"ok": True, "node": 11} if good else {"ok": False, "error": "0 to 100 percent"}
                connection.sendall(json.dumps(answer).encode() + b"\n")

    thread = threading.Thread(target=serve)
    thread.start()
    yield messages
    with socket(AF_UNIX) as last:
        last.connect(str(tmp_path / "gateway.sock"))
        last.shutdown(1)
        thread.join()
    listening.close()


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_a_round_is_recorded(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    photo = tmp_path / "rist.jpg"
    photo.touch()
    where = ("--state", tmp_path, "--by", "vakt")
    code, out, _ = run(11, 70, *where, "--cleaned", "--photo", photo, "--note", "kvist", "--json")
    assert (code, json.loads(out)) == (0, {"node": 11})
    assert asked == [
        {
            "do": "alerts_inspect", "node": 11, "blocked_percent": 70, "cleaned": True, "photo": str(photo),
            "note": "kvist", "by": "vakt",
        }
    ]  # fmt: skip
    assert run(11, 70, *where) == (0, "", "Node 11: recorded.\n")


def test_what_is_wrong_is_told(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    assert run(11, 170, "--state", tmp_path) == (1, "", "0 to 100 percent\n")
    assert run(11, 70, "--state", tmp_path, "--photo", tmp_path / "none.jpg")[0] == 1
    assert len(asked) == 1
