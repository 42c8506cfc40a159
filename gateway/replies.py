"""Text messages that answer a page: they acknowledge its alerts, or pass them on to the next."""

import asyncio
from collections.abc import Callable, Set

import structlog

from gateway.alerts import step
from gateway.alerts.codes import Answer, answered
from gateway.alerts.service import Alerts
from gateway.alerts.sms import Gammu
from gateway.alerts.step import Refused

log = structlog.get_logger()

LOOK_S = 2.0


class Replies:
    """Reads what comes in at the `modem`; only who has one of the `numbers` may answer. `now_s` is UTC."""

    def __init__(self, alerts: Alerts, modem: Gammu, numbers: Set[str], now_s: Callable[[], int]) -> None:
        self._alerts = alerts
        self._modem = modem
        self._numbers = numbers
        self._now_s = now_s

    async def run(self) -> None:
        """Look until cancelled. Trouble is logged, and what came in is read again."""
        while True:
            try:
                for file, reply in await asyncio.to_thread(lambda: list(self._modem.replies())):
                    known = reply.number in self._numbers
                    got = await self._alerts.write(
                        lambda j, r=reply, k=known: answered(j.db, r, k, self._now_s())  # type: ignore[misc]
                    )
                    await self._obey(got, reply.number)
                    await asyncio.to_thread(file.unlink)
            except Exception as error:  # noqa: BLE001
                reason = f"{type(error).__name__}: {error}"
                log.error("replies_stalled", reason=reason)  # noqa: TRY400
            await asyncio.sleep(LOOK_S)

    async def _obey(self, answer: Answer, number: str) -> None:
        if answer.refused:
            log.warning("reply_refused", reason=answer.refused, number=f"...{number[-3:]}")
            return
        now_s = self._now_s()
        wish = step.escalate if answer.escalate else step.acknowledge
        for member in answer.members:
            try:
                await self._alerts.wish(member.watch, lambda _watch, state: wish(state, number, now_s))
            except Refused as refusal:
                log.info("reply_changes_nothing", rule=member.rule, node=member.node, reason=str(refusal))
