"""The audit log: one line for each deed."""

import json
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
