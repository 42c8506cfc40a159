"""Once a day, what is older than the site wants to keep it leaves: readings, history, receipts, names.

Nothing leaves while nobody vouches for the clock: one that stands in the future would empty everything.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import structlog

from device_configs.retention_schema import Retention
from gateway import audit
from gateway.alerts.forgetting import forget
from gateway.alerts.service import Alerts
from gateway.store.change import StoreError
from gateway.store.upkeep import DAY_MS, Upkeep

log = structlog.get_logger()

EVERY_S = 600.0


class Forgetting:
    """Run it beside the gateway. `home` has the audit log; `alerts` None: nobody keeps any."""

    def __init__(
        self,
        keep: Retention,
        upkeep: Upkeep,
        alerts: Alerts | None,
        home: Path,
        *,
        now_ms: Callable[[], int],
        trusted: Callable[[], bool],
    ) -> None:
        self._keep = keep
        self._upkeep = upkeep
        self._alerts = alerts
        self._home = home
        self._now_ms = now_ms
        self._trusted = trusted
        self._day: int | None = None

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look again and again until cancelled. Trouble is logged, and tried again."""
        while True:
            try:
                await self.look()
            except (StoreError, apsw.Error, OSError) as error:
                log.warning("nothing_forgotten", reason=str(error))
            await asyncio.sleep(every_s)

    async def look(self) -> bool:
        """Forget what is due, if that was not done today; return whether it was now. Raises what it meets."""
        now_ms = self._now_ms()
        if self._day == now_ms // DAY_MS or not self._trusted():
            return False
        now_s, keep = now_ms // 1000, self._keep
        if keep.readings_days is not None:
            await self._upkeep.forget(now_s - keep.readings_days * 86_400)
        if self._alerts is not None:
            forgotten = await self._alerts.write(lambda journal: forget(journal.db, keep, now_s))
            log.info("alerts_forgotten", **forgotten)
        lines, names = await asyncio.to_thread(
            audit.forget, self._home, now_s - keep.audit_days * 86_400, now_s - keep.names_days * 86_400
        )
        log.info("audit_forgotten", lines=lines, names=names)
        self._day = now_ms // DAY_MS
        return True
