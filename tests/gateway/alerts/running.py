"""A store with the alerts beside it, for tests."""

from pathlib import Path
from typing import Any

from gateway.alerts.service import Alerts
from gateway.alerts.verbs import verbs
from gateway.model import StoredRecord
from gateway.store import Change, Reader, Store
from tests.gateway.alerts.made import T0, intake, site, stored

CLOGGED = [(200.0, 190.0)] * 3 + [(200 + 150.0 * i, 190.0) for i in range(1, 5)]


class Running:
    """A store and the alerts beside it, on a clock that stands still unless it is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = T0 * 1000
        self.stepped_s = 0  # by which the clock has been put forward, all in all
        self.boot = "first"
        self.site = site()
        self.connected = True
        self.store = Store.open(folder / "store.db")
        self.seq = 0
        self.own: dict[str, int | None] = {}
        self.open()

    def open(self) -> None:
        self.reader = Reader.open(self.folder / "store.db")
        self.alerts = Alerts(
            self.site,
            self.folder,
            self.reader,
            now_ms=lambda: self.now_ms,
            connected=lambda: self.connected,
            own=lambda: self.own,
            monotonic=lambda: self.now_ms / 1000 - self.stepped_s,
            boot=lambda: self.boot,
        )
        self.verbs = verbs(self.alerts, lambda: self.now_ms // 1000)

    def step_clock(self, to_s: int) -> None:
        """Put the clock to a time, while none passes."""
        self.stepped_s += to_s - self.now_ms // 1000
        self.now_ms = 1000 * to_s

    async def store_record(self, record: StoredRecord) -> None:
        self.seq += 1
        self.now_ms = max(self.now_ms, record.measured_at_s * 1000)
        await self.store.append(Change(records=(stored(record, self.seq),)))

    async def clog(self, start_s: int = T0) -> None:
        for i, (up, down) in enumerate(CLOGGED):
            await self.store_record(intake(start_s + 600 * i, up, down))
            while await self.alerts.step():
                pass

    async def restart(self, *, cleanly: bool) -> None:
        if cleanly:
            await self.alerts.close()
        else:
            self.alerts.journal.close()  # what was not kept is lost
        self.reader.close()
        self.open()

    def events(self) -> list[tuple[Any, ...]]:
        sql = "SELECT at_s, rule, node, occurrence, kind, notify, value FROM events ORDER BY id"
        return self.alerts.journal.db.execute(sql).fetchall()

    def messages(self) -> list[str]:
        return [row[0] for row in self.alerts.journal.db.execute("SELECT key FROM outbox ORDER BY id")]

    async def close(self) -> None:
        await self.alerts.close()
        self.reader.close()
        await self.store.close()
