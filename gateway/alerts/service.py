"""The alerts' task in the gateway's process: follows the store's commits and keeps what comes of them.

Its trouble is its own: whatever goes wrong here is logged and tried again, and ingest does not notice.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import apsw
import structlog

from device_configs.model import Site
from gateway import clock
from gateway.alerts.engine import Engine, Happened, Result, Wish
from gateway.alerts.journal import NAME, Journal
from gateway.alerts.leaps import Leap, begin, follow
from gateway.alerts.paging import FLOOD_S, Message, Outbox, plan
from gateway.alerts.refuge import Refuge
from gateway.alerts.standing import Standing, standing, watch_counts
from gateway.alerts.state import State
from gateway.alerts.step import without_rule
from gateway.alerts.watches import BadCurve, WatchId
from gateway.model import StoredRecord
from gateway.store import Reader
from gateway.store.migrations import NewerSchema

log = structlog.get_logger()

BATCH = 100  # records evaluated at a time, so that ingest gets its turn
KEEP_EVERY_S = 0.5  # how often states are written in which nothing has happened
WAIT_S = 1.0
RETRY_S = 5.0
T = TypeVar("T")


class AlertsError(Exception):
    """The alerts can not be kept; the text says why and what to do."""


class Alerts:
    """`connected` says whether any carrier hears anything: nodes are silent only while somebody listens.

    `own` tells the gateway's own values (see GATEWAY_KEYS); one that is not known is None or left out.
    `shelved` tells since when nodes are on the shelf, in seconds since 1970.
    """

    def __init__(
        self,
        site: Site,
        state: Path,
        store: Reader,
        *,
        now_ms: Callable[[], int],
        connected: Callable[[], bool] = lambda: True,
        own: Callable[[], Mapping[str, int | None]] = dict,
        shelved: Callable[[], Mapping[int, int]] = dict,
        messages_wait: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        boot: Callable[[], str] = clock.boot,
    ) -> None:
        self.site = site
        self._now_ms = now_ms
        self._connected = connected
        self._own = own
        self._shelved = shelved
        self._monotonic = monotonic
        self.messages_wait = messages_wait
        self._store = store
        self._zone = ZoneInfo(site.timezone)
        try:
            self._refuge = Refuge(Journal.open(state / NAME, now_ms()), now_ms)
        except (apsw.Error, NewerSchema) as error:
            raise AlertsError(
                f"{state / NAME}: cannot be used ({error}). Install the version that wrote it, or move it "
                "aside with its -wal and -shm files to start without the alerts' history."
            ) from error
        self._awake = asyncio.Event()
        self._turn = asyncio.Event()
        self._listening_from: float | None = None
        # What is not on disk yet; it stays here until it is.
        self._dirty: dict[WatchId, State] = {}
        self._happened: list[Happened] = []
        self._messages: dict[str, Message] = {}
        self._leaps: list[Leap] = []
        self._kept_at = 0.0
        states = self.journal.states()
        try:
            self.engine = Engine(site, states, self.journal.maintenance())
        except BadCurve as error:
            self.journal.close()
            raise AlertsError(str(error)) from error
        for id_ in states.keys() - self.engine.watches.keys():
            if states[id_].active:
                log.warning("alert_without_rule", rule=id_[0], node=id_[1], next="it stands no more")
            self._dirty[id_] = without_rule(states[id_])
        latest_s = self.engine.latest_s()
        self._pace, leap = begin(self.journal.pace(), boot(), self._now_s(), monotonic(), latest_s)
        self._take_leap(leap)
        self.outbox = self._waiting()
        self._cursor = self._start()

    def _now_s(self) -> int:
        return self._now_ms() // 1000

    # Following

    def wake(self) -> None:
        """Say that records have been committed."""
        self._awake.set()

    async def run(self) -> None:
        """Follow the store until cancelled."""
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next try may do, and ingest goes on
                self._turned()
                log.error("alerts_stalled", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        while True:
            self._awake.clear()
            more = await self.step()
            self._turned()
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(WAIT_S):  # wait_for can swallow a cancellation
                        await self._awake.wait()

    def _turned(self) -> None:
        self._turn.set()
        self._turn = asyncio.Event()

    async def alive(self) -> None:
        """Return once the task has gone round: for a watchdog. In trouble it does, too; stuck it does not."""
        self.wake()
        await self._turn.wait()

    async def step(self) -> bool:
        """Evaluate what has been committed, a batch at most; return whether more may be waiting."""
        records = self._store.after(self._cursor[1], BATCH)
        now_s = self._now_s()
        self._follow_clock(now_s)
        result = self._taken(records, now_s)
        if records:
            self._cursor = self._cursor[0], records[-1].commit
        await self._keep(result)
        if len(records) == BATCH:
            await asyncio.sleep(0)
            return True
        ticked = self.engine.tick(now_s, self._listening(now_s), self._own(), self._shelved())
        await self._keep(ticked, due=True)
        await self._refuge.look()
        return False

    def _taken(self, records: Sequence[StoredRecord], now_s: int) -> Result:
        """Evaluate a batch; a record that can not be must not keep the others from it."""
        try:
            return self.engine.take(records, now_s)
        except Exception as error:  # noqa: BLE001 - a fault of ours; what it is about is named
            log.error("alerts_batch_failed", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
        states: dict[WatchId, State] = {}
        happened: list[Happened] = []
        for record in records:  # what was evaluated before the fault is history now, and nothing comes of it
            try:
                result = self.engine.take([record], now_s)
            except Exception as error:  # noqa: BLE001
                reason = f"{type(error).__name__}: {error}"
                log.error("record_not_judged", node=record.node, seq=record.seq, reason=reason)  # noqa: TRY400
            else:
                states.update(result.states)
                happened += result.happened
        return Result(states, happened)

    def _listening(self, now_s: int) -> int | None:
        """Return since when somebody listens, None while nobody does.

        Counted on the monotonic clock: a gateway that boots in 1970 and then learns the time has not been
        listening for half a century.
        """
        if not self._connected():
            self._listening_from = None
            return None
        if self._listening_from is None:
            self._listening_from = self._monotonic()
        return now_s - int(self._monotonic() - self._listening_from)

    def _follow_clock(self, now_s: int) -> None:
        """Tell the engine where the clock has leapt: in 1970 nobody is to be late by half a century."""
        self._pace, leap = follow(self._pace, now_s, self._monotonic())
        self._take_leap(leap)

    def _take_leap(self, leap: Leap | None) -> None:
        if leap is not None:
            log.warning("clock_stepped", by_s=leap.by_s)
            self.engine.clock_stepped(leap)
            self._leaps.append(leap)

    async def _keep(self, result: Result, due: bool = False) -> None:
        """Write what has happened at once; states alone when they are due."""
        self._dirty.update(result.states)
        self._happened += result.happened
        self._messages.update(self._planned(result.happened))
        waited = time.monotonic() - self._kept_at
        if not (self._happened or self._leaps) and not (due and self._dirty and waited >= KEEP_EVERY_S):
            return
        # Taken together, before anything else can run: they belong to this very cursor.
        cursor, states, happened, messages = self._cursor, self._dirty, self._happened, self._messages
        pace, leaps = self._pace, self._leaps
        self._dirty, self._happened, self._messages, self._leaps = {}, [], {}, []
        try:
            await self.write(
                lambda journal: journal.keep(cursor, states, happened, messages.values(), pace, leaps)
            )
        except Exception:
            self._leaps = leaps + self._leaps
            self._dirty = states | self._dirty
            self._happened = happened + self._happened
            self._messages = messages | self._messages
            raise
        self._kept_at = time.monotonic()
        for each in happened:
            what = str(each.event.kind)
            log.info("alert", rule=each.watch.rule.id, node=each.watch.node.id, what=what)
        if messages:
            self.messages_wait()

    def _planned(self, happened: Sequence[Happened]) -> dict[str, Message]:
        planned: dict[str, Message] = {}
        for each in happened:
            for message in plan(each.watch, each.event, self.outbox, self.site.recipients, self._zone):
                planned[message.key] = message
        return planned

    @property
    def journal(self) -> Journal:
        """The journal that counts now: on the disk, or in memory while that takes nothing."""
        return self._refuge.journal

    async def write(self, work: Callable[[Journal], T]) -> T:
        """See `Refuge.write`."""
        return await self._refuge.write(work)

    # Looking and asking

    def standing(self) -> list[Standing]:
        """Return the standing alarms. May be called from another thread."""
        return standing(self.engine.watches, dict(self.engine.states))

    def counts(self) -> dict[str, int]:
        return watch_counts(dict(self.engine.states).values())

    def newest(self, node: int) -> StoredRecord | None:
        """Return the newest record of a node."""
        return self._store.newest(node)

    async def wish(self, id_: WatchId, wish: Wish) -> None:
        """Do what somebody asks for with one alert. Raises step.Refused."""
        await self._keep(self.engine.wish(id_, wish))

    async def maintain(self, node: int, until_s: int, by: str) -> None:
        """Keep a node's alerts quiet until a moment. Raises step.Refused."""
        self.engine.maintain(node, until_s, self._now_s())
        await self.write(lambda journal: journal.set_maintenance(node, until_s, by))

    async def close(self) -> None:
        """Write what is not written yet."""
        try:
            self._kept_at = 0.0
            await self._keep(Result({}, ()), due=True)
        except apsw.Error as error:
            log.error("alerts_not_kept", reason=str(error))  # noqa: TRY400
        await self._refuge.close()
        self._store.close()

    # Starting

    def _waiting(self) -> Outbox:
        """Return what waits since before the start, without what nobody needs to be told any more."""
        unseen = {
            (id_, state.occurrence)
            for id_, state in self.engine.states.items()
            if state.active and not state.acknowledged_by
        }
        if given_up := self.journal.tidy(self._now_s(), unseen):
            log.warning("messages_given_up", count=given_up, reason="nobody tried to deliver them for a day")
        waiting = {w.message.key: w.message for w in self.journal.waiting() if not w.attempts}
        return Outbox(waiting, self.journal.pages_since(self._now_s() - FLOOD_S))

    def _start(self) -> tuple[bytes, int]:
        """Return the cursor to go on from, with the signals fed what they have to remember."""
        store_id, kept = self._store.store_id, self.journal.cursor()
        if kept is not None and kept[0] == store_id:
            self._warm_up(lambda record: record.commit <= kept[1])
            return kept
        if kept is not None:
            return store_id, 0  # another store: what is older than what was evaluated is history there too
        # The first start beside records that exist: old ones are history, the newest of each node counts.
        last = self._store.last_commit()
        newest = {n.id: r for n in self.site.nodes if (r := self._store.newest(n.id)) is not None}
        counting = {record.commit for record in newest.values()}
        self._warm_up(lambda record: record.commit not in counting)
        result = self.engine.take(sorted(newest.values(), key=lambda r: r.commit), self._now_s())
        messages = self._planned(result.happened).values()
        self.journal.keep((store_id, last), result.states, result.happened, messages, self._pace, self._leaps)
        self._leaps = []
        return store_id, last

    def _warm_up(self, wanted: Callable[[StoredRecord], bool]) -> None:
        for node in self.site.nodes:
            newest = self._store.newest(node.id)
            if newest is None:
                continue
            from_s = self.engine.needed_from_s(node.id, newest.measured_at_s)
            if from_s is None:
                continue
            known = self._store.history(node.id, from_s, newest.measured_at_s + 1)
            self.engine.warm_up(sorted(filter(wanted, known), key=lambda r: r.commit))
