"""The audit log: one line for each deed."""

import json
import threading
from pathlib import Path

import pytest

from gateway import audit


def test_lines_are_added_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    audit.note(tmp_path, 1_795_000_000, "Vakt", "ack", alert="rista/11")
    audit.note(tmp_path, 1_795_000_001, "Vakt Å\n", "logged in")
    path = tmp_path / audit.FILE_NAME
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {"at": "2026-11-18T11:06:40Z", "who": "Vakt", "did": "ack", "alert": "rista/11"}
    assert second["who"] == "Vakt Å\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_with_sudo_it_is_whoever_gave_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "sensornett")
    assert audit.who() == "sensornett"
    monkeypatch.setenv("SUDO_USER", "kari")
    assert audit.who() == "kari"


def test_old_lines_and_old_names_are_forgotten(tmp_path: Path) -> None:
    assert audit.forget(tmp_path, 5, 5) == (0, 0)
    for at_s in (1_000_000, 2_000_000, 3_000_000):
        audit.note(tmp_path, at_s, "Kari", "user added", user="Ola", role="operator")
    path = tmp_path / audit.FILE_NAME
    with path.open("a") as file:
        file.write("no line of ours\n")
    assert audit.forget(tmp_path, 1_500_000, 2_500_000) == (1, 1)
    lines = path.read_text().splitlines()
    assert json.loads(lines[0]) == {
        "at": "1970-01-24T03:33:20Z", "who": "", "did": "user added", "user": "", "role": "operator",
    }  # fmt: skip
    assert json.loads(lines[1])["user"] == "Ola"
    assert lines[2] == "no line of ours"
    assert path.stat().st_mode & 0o777 == 0o600
    assert audit.forget(tmp_path, 1_500_000, 2_500_000) == (0, 0)


def test_nothing_is_lost_that_is_noted_meanwhile(tmp_path: Path) -> None:
    """Others write while old lines leave, each into the file that is there at that moment."""

    def write(who: int) -> None:
        for n in range(100):
            audit.note(tmp_path, 9_000_000, f"{who}", f"{n}")
            audit.note(tmp_path, 1_000_000, f"{who}", "old")

    writing = [threading.Thread(target=write, args=(who,)) for who in range(3)]
    for thread in writing:
        thread.start()
    while any(thread.is_alive() for thread in writing):
        audit.forget(tmp_path, 5_000_000, 5_000_000)
    audit.forget(tmp_path, 5_000_000, 5_000_000)
    told = [json.loads(line) for line in (tmp_path / audit.FILE_NAME).read_text().splitlines()]
    assert sorted((t["who"], int(t["did"])) for t in told) == [
        (f"{w}", n) for w in range(3) for n in range(100)
    ]
