"""Delivers the outbox of the alerts: at least once, by the first channel that takes it, with a receipt.

A message waits on disk until a channel has taken it. Each attempt goes through the recipient's channels in
order; if all fail it is tried again, later and later, up to every five minutes, for ever. Deliveries do not
wait for each other, so a slow channel holds up nobody else's page.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import aiohttp
import apsw
import structlog

from gateway.alerts.channels import Channel, ChannelsFile
from gateway.alerts.codes import assign, confirmed
from gateway.alerts.handover import HANDOVER, MISSED, handover_text, handovers
from gateway.alerts.journal import Waiting
from gateway.alerts.paging import Message
from gateway.alerts.rota import Shift, on_duty
from gateway.alerts.service import Alerts
from gateway.alerts.sms import Gammu, SmsError
from gateway.alerts.texts import language_of, long, short
from gateway.replies import Replies
from gateway.sending import DeliveryError, Send, send_by_apprise

log = structlog.get_logger()

WAIT_S = 1.0
SENDERS = 8
ATTEMPT_S = 120.0  # longest time one channel may take: gammu-smsd has 90 s
BACKOFF_S, BACKOFF_MAX_S = 5.0, 300.0
PING_S, PING_TIMEOUT_S = 60.0, 20.0


@dataclass(slots=True)
class _Under:
    """A message on its way."""

    retry_at: float = 0.0
    task: "asyncio.Task[None] | None" = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything delivery has to be told. `shifts` is the duty rota, `modem` the way to the GSM modem."""

    channels: ChannelsFile
    shifts: Sequence[Shift] = ()
    modem: Gammu | None = None
    send: Send = field(default=send_by_apprise)

    @property
    def numbers(self) -> frozenset[str]:
        """The telephone numbers whose text messages may answer."""
        channels = self.channels
        own = {c.sms for c in channels.channels if c.sms} | {s.phone for s in self.shifts if s.phone}
        return frozenset(own | set(channels.answering))


class Notifier:
    """Run it beside the alerts; it wakes when they have written messages."""

    def __init__(self, alerts: Alerts, settings: Settings, *, now_ms: Callable[[], int]) -> None:
        self._alerts = alerts
        self._settings = settings
        self._now_ms = now_ms
        self._zone = ZoneInfo(alerts.site.timezone)
        self._language = language_of(alerts.site)
        self._awake = asyncio.Event()
        self._beaten = ""
        self._told: set[str] = set()
        self._under: dict[int, _Under] = {}
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="notify")
        self.handed_over: Callable[[Message], None] = lambda _message: None
        alerts.messages_wait = self._awake.set

    def _now_s(self) -> int:
        return self._now_ms() // 1000

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._deliver(tasks), name="deliver")
                if self._settings.channels.watcher_url:
                    tasks.create_task(self._ping(self._settings.channels.watcher_url), name="watcher")
                if self._settings.modem is not None:
                    replies = Replies(self._alerts, self._settings.modem, self._settings.numbers, self._now_s)
                    tasks.create_task(replies.run(), name="replies")
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _deliver(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._awake.clear()
            try:
                await self._heartbeat()
                await self._hand_over()
                for waiting in await self._due():
                    under = self._under.setdefault(waiting.id, _Under())
                    if under.task is None and under.retry_at <= time.monotonic():
                        self._alerts.outbox.waiting.pop(waiting.message.key, None)  # from now on it is told
                        under.task = tasks.create_task(self._attempt(waiting, under))
            except Exception as error:  # noqa: BLE001 - messages wait on disk; the next look may do
                reason = f"{type(error).__name__}: {error}"
                log.error("delivery_stalled", reason=reason)  # noqa: TRY400
            try:
                async with asyncio.timeout(WAIT_S):
                    await self._awake.wait()
            except TimeoutError:
                pass

    async def _due(self) -> list[Waiting]:
        """Return what may go now. The end of an alert waits until its beginning has been told."""
        waiting = await self._alerts.write(lambda journal: journal.waiting())
        now_s = self._now_s()
        begun = {
            (m.watch, m.occurrence) for w in waiting if w.message.kind == "raised" for m in w.message.members
        }
        return [
            w
            for w in waiting
            if w.message.due_s <= now_s
            and (
                w.message.kind == "raised"
                or not any((m.watch, m.occurrence) in begun for m in w.message.members)
            )
        ]

    async def _attempt(self, waiting: Waiting, under: _Under) -> None:
        """Try each way once."""
        message = waiting.message
        duty = on_duty(self._settings.shifts, message.recipient, self._now_s())
        if message.kind == MISSED:
            duty = []  # who has not answered is not who has to know
        ways = self._settings.channels.ways(message.recipient, message.priority, duty)
        try:
            for way in ways:
                if await self._by(way, waiting):
                    del self._under[waiting.id]
                    return
            if not ways:
                await self._note(waiting, "none", False, "no channel carries this to its recipient")
        except apsw.Error as error:
            log.error("receipt_not_kept", reason=str(error))  # noqa: TRY400
        under.failures += 1
        under.retry_at = time.monotonic() + min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(under.failures, 10))
        under.task = None

    async def _by(self, way: Channel, waiting: Waiting) -> bool:
        message = waiting.message
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ATTEMPT_S):
                if way.sms is not None:
                    if self._settings.modem is None:
                        raise DeliveryError("there is no modem: `gammu_config` is missing in channels.yaml")
                    code = await self._alerts.write(lambda j: assign(j.db, waiting.id, self._now_s()))
                    sending = self._pool.submit(
                        self._settings.modem.send, way.sms, self._short(message, code)
                    )
                else:
                    assert way.url is not None
                    title, body = self._letter(message)
                    self.handed_over(message)
                    sending = self._pool.submit(self._settings.send, way.url, title, body)
                receipt = await asyncio.wrap_future(sending, loop=loop)
        except TimeoutError:
            return await self._note(waiting, way.name, False, f"no answer within {ATTEMPT_S:.0f} s")
        except (DeliveryError, SmsError) as error:
            return await self._note(waiting, way.name, False, str(error))
        except Exception as error:  # noqa: BLE001 - a channel's fault must not end the others
            return await self._note(waiting, way.name, False, f"{type(error).__name__}: {error}")
        return await self._note(waiting, way.name, True, receipt)

    async def _note(self, waiting: Waiting, channel: str, ok: bool, detail: str) -> bool:
        now_ms = self._now_ms()
        what = "message_delivered" if ok else "message_refused"
        log.info(what, key=waiting.message.key, channel=channel, detail=detail)
        if ok:
            await self._alerts.write(lambda j: j.delivered(waiting.id, now_ms, channel, detail))
        else:
            await self._alerts.write(lambda j: j.failed(waiting.id, now_ms, channel, detail))
        return ok

    # Words

    def _short(self, message: Message, code: int) -> str:
        if message.kind == "heartbeat":
            return self._alive()
        if message.kind in (HANDOVER, MISSED):
            return self._duty(message, code)
        return short(self._alerts.site, self._alerts.engine.watches, message, code)

    def _letter(self, message: Message) -> tuple[str, str]:
        """Return title and body. The body ends with the key, by which a repeat is known."""
        if message.kind == "heartbeat":
            return self._alerts.site.name, f"{self._alive()}\n\n{message.key}"
        if message.kind in (HANDOVER, MISSED):
            return self._alerts.site.name, f"{self._duty(message)}\n\n{message.key}"
        site, watches = self._alerts.site, self._alerts.engine.watches
        return short(site, watches, message), f"{long(site, watches, message)}\n\n{message.key}"

    def _alive(self) -> str:
        counts, name = self._alerts.counts(), self._alerts.site.name
        active = counts.get("alerting", 0) + counts.get("recovering", 0)
        blind = counts.get("no_data", 0) + counts.get("error", 0)
        if self._language == "en":
            return f"{name}: the gateway is alive. {active} active alerts, {blind} rules without data."
        return f"{name}: gatewayen er i drift. {active} aktive varsler, {blind} regler uten data."

    def _duty(self, message: Message, code: int | None = None) -> str:
        roles = {recipient.id: recipient.role for recipient in self._alerts.site.recipients}
        role = roles.get(message.recipient, message.recipient)
        return handover_text(message, role, self._settings.shifts, self._zone, self._language, code)

    # Signs of life

    async def _heartbeat(self) -> None:
        """Put the day's heartbeat into the outbox when its time has come; its key makes it one a day."""
        beat = self._settings.channels.heartbeat
        if beat is None:
            return
        now = datetime.fromtimestamp(self._now_s(), self._zone)
        if now.strftime("%H:%M") < beat.at:
            return
        key, now_s = f"heartbeat/{now:%Y-%m-%d}", self._now_s()
        if key == self._beaten:
            return
        message = Message(key, beat.recipient, "info", "heartbeat", now_s, now_s, ())
        await self._alerts.write(lambda journal: journal.put(message))
        self._beaten = key

    async def _hand_over(self) -> None:
        """Tell whoever takes over a duty, and everybody when that is not confirmed."""
        for message in handovers(self._settings.shifts, self._now_s()):
            if message.key in self._told:
                continue
            if message.kind == MISSED:
                key = message.key.replace(MISSED, HANDOVER)
                if await self._alerts.write(lambda j, k=key: confirmed(j.db, k)):  # type: ignore[misc]
                    self._told.add(message.key)
                    continue
            await self._alerts.write(lambda j, m=message: j.put(m))  # type: ignore[misc]
            self._told.add(message.key)

    async def _ping(self, url: str) -> None:
        """Tell a watcher elsewhere, every minute, that this process still follows the store."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PING_TIMEOUT_S)) as session:
            while True:
                try:
                    async with session.get(url) as answer:
                        answer.raise_for_status()
                except (aiohttp.ClientError, TimeoutError) as error:
                    log.warning("watcher_not_reached", reason=type(error).__name__)
                await asyncio.sleep(PING_S)
