from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.alerts import refuge
from gateway.alerts.journal import Journal
from tests.gateway.alerts.running import Running


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    yield running
    await running.close()


class FullDisk:
    """Refuses every write to the file, as a full or read-only card does; memory is not affected."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, disk: Journal) -> None:
        self.full = True
        keep, fill = Journal.keep, Journal.fill_from

        def refuse(journal: Journal) -> None:
            if self.full and journal is disk:
                raise apsw.FullError("database or disk is full")

        def keep_or_not(journal: Journal, *arguments: Any) -> None:
            refuse(journal)
            keep(journal, *arguments)

        def fill_or_not(journal: Journal, other: Journal) -> None:
            refuse(journal)
            fill(journal, other)

        monkeypatch.setattr(Journal, "keep", keep_or_not)
        monkeypatch.setattr(Journal, "fill_from", fill_or_not)


async def test_a_full_disk_keeps_nobody_from_being_paged(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refuge, "RETURN_S", 0.0)
    disk = running.alerts.journal
    card = FullDisk(monkeypatch, disk)
    await running.clog()
    assert running.alerts.journal is not disk
    assert "raised/rista-tettes/11/1" in running.messages()
    told = running.events()
    card.full = False
    await running.alerts.step()
    assert running.alerts.journal is disk
    assert running.events() == told
    # It is on the disk now: a crash changes nothing.
    await running.restart(cleanly=False)
    assert running.events() == told
    assert running.alerts.engine.states["rista-tettes", 11].active
