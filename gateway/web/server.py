"""The page beside the gateway: a thread with an event loop and a reader of its own.

Nothing here reaches ingest: what goes wrong is logged, and the page starts again a little later.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw
import structlog
import uvicorn

from device_configs.model import Site
from gateway.alerts.rota import Shift
from gateway.energy_post import EnergyPost
from gateway.model import NodeState, RegisterEvent, StoredRecord
from gateway.rollup import HOUR_S
from gateway.shelved import Shelf, said_by
from gateway.store import Reader, StoreError
from gateway.store.reconcile import captures
from gateway.store.rollups import FILE_NAME as ROLLUPS_NAME
from gateway.store.rollups import Made, RollupBook
from gateway.web.battery import Days
from gateway.web.concerns import Alert, provisional
from gateway.web.desk import Desk
from gateway.web.door import Door
from gateway.web.energy_view import EnergyView
from gateway.web.guard import Guard, own_names
from gateway.web.history import Hours
from gateway.web.live import DAY_S, Live, NodeLive
from gateway.web.meter_keeper import keep_meters
from gateway.web.pages import Pages
from gateway.web.patience import Patient
from gateway.web.public import UNSEEN, PublicView
from gateway.web.way import ask_gateway, counts, way

log = structlog.get_logger()

FOLLOW_S = 0.5  # how often the store is asked for what is new
BUSY_SHARE = 0.05  # of a core: in a flood open pages are told less often, so that ingest has the machine
FLOOD_NODES = 50  # so many with something new at once are a flood
FLOOD_SHARE = 0.15  # of what ingest, store and alerts use meanwhile
PATIENCE_S = 5.0  # nobody waits longer for the flood's sake
WAY_S = 2.0
TICK_S = 5.0  # a page that hears nothing for several of these is offline
RESTART_S = 5.0
STOP_S = 5.0
BACKLOG = 64  # connections that wait to be accepted
CONNECTIONS_MAX = 200
CAPTURE_DAYS = 365  # over which it is told how much a node has reported


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served (port 0: any free one); its names besides this machine's, in lower case."""

    host: str
    port: int
    names: frozenset[str] = frozenset()


class Page:
    """Serves the page of `site` whose store is at `store`, between `start` and `stop`.

    `home` has the users and the audit log: the state directory, also while the state is in memory.
    `shifts` is the duty rota.
    """

    def __init__(
        self,
        site: Site,
        state: Path,
        store: Path,
        address: Address,
        interval_s: int | None = None,
        *,
        home: Path | None = None,
        shifts: Sequence[Shift] = (),
    ) -> None:
        self._site = site
        self._state = state
        self._store = store
        self._rollups = state / ROLLUPS_NAME
        self._volts: tuple[float, Mapping[int, Days]] | None = None
        self._address = address
        self._interval_s = interval_s
        self._home = home or state
        self._shifts = shifts
        self._alerts: Callable[[], Iterable[Alert]] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._server: uvicorn.Server | None = None

    def start(self, alerts: Callable[[], Iterable[Alert]] | None = None) -> None:
        """Begin to serve, in a thread of its own; return at once.

        `alerts` tells the standing alerts, from any thread. Without it limits are only looked at.
        """
        self._alerts = alerts
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; wait a moment for that, not longer."""
        self._stopping.set()
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with _listen(self._address) as listening:
                    asyncio.run(self._serve(listening))
            except Exception as error:  # noqa: BLE001 - whatever it is, it stays here
                reason = f"{type(error).__name__}: {error}"
                where = f"{self._address.host}:{self._address.port}"
                log.error("page_down", where=where, reason=reason, next_try_s=RESTART_S)  # noqa: TRY400
            self._stopping.wait(RESTART_S)

    def _judge(self, nodes: Iterable[NodeLive], now_s: float) -> Iterable[Alert]:
        return provisional(nodes, now_s) if self._alerts is None else self._alerts()

    def _records(self, node: int, from_s: int, to_s: int) -> Iterator[StoredRecord]:
        """Yield a node's records day by day, in whatever thread asks. Raises StoreError."""
        with Reader.open(self._store) as reader:
            for day_s in range(from_s, to_s, DAY_S):
                yield from reader.history(node, day_s, min(day_s + DAY_S, to_s))

    def _rolled(self, period_s: int, node: int, from_s: int, to_s: int) -> Sequence[Made] | None:
        """Return hours or days that are kept of a node, in whatever thread asks; None where none are."""
        try:
            book = RollupBook.read(self._rollups, self._site)
        except apsw.Error as error:
            log.warning("page_without_hours", reason=str(error))
            return None
        if book is None:
            return None
        try:
            return book.between(period_s, node, from_s, to_s)
        except apsw.Error as error:
            log.warning("page_without_hours", reason=str(error))
            return None
        finally:
            book.close()

    def _hours(self, node: int, from_s: int, to_s: int) -> Hours | None:
        found = self._rolled(HOUR_S, node, from_s, to_s)
        return None if found is None else [(hour.start_s, hour.rollups) for hour in found]

    def _voltages(self) -> Mapping[int, Days]:
        """Return the daily mean voltage of each battery of the last year, looked up once an hour."""
        now_s = time.time()
        if self._volts is None or now_s - self._volts[0] > 3600:
            found: dict[int, Days] = {}
            for node in self._site.nodes:
                if node.profile.battery is not None:
                    days = self._rolled(DAY_S, node.id, int(now_s) - 400 * DAY_S, int(now_s)) or ()
                    means = [(day.start_s, day.rollups.get("battery_voltage_mv")) for day in days]
                    found[node.id] = [(at_s, volts.mean) for at_s, volts in means if volts is not None]
            self._volts = now_s, found
        return self._volts[1]

    def _captures(self) -> Mapping[int, float]:
        """Return how much of what each node should report has arrived, in percent, over the closed days."""
        intervals = {node.id: node.interval_s for node in self._site.nodes}
        with Reader.open(self._store) as reader:
            return captures(reader, intervals, int(time.time()) - CAPTURE_DAYS * DAY_S)

    def _states(self) -> list[NodeState]:
        with Reader.open(self._store) as reader:
            return reader.nodes()

    def _register_events(self) -> list[RegisterEvent]:
        with Reader.open(self._store) as reader:
            return reader.register_events()

    def _public(self, reader: Reader, view: PublicView) -> Pages:
        """Return the pages for those who may only see what is public."""
        live = Live(view.site, self._interval_s, UNSEEN)
        live.fill(reader, int(time.time()))
        return Pages(
            view.site,
            live,
            judge=self._judge,
            records=self._records,
            hours=self._hours,
            view=view,
            public=True,
        )

    async def _serve(self, listening: socket.socket) -> None:
        live = Live(self._site, self._interval_s)
        with Reader.open(self._store) as reader:
            live.fill(reader, int(time.time()))
            energy = EnergyView(self._site, self._state, time.time, self._records, self._register_events)
            door = Door(self._home, self._site.page.reading)
            view = PublicView(self._site, live, self._records, self._state, time.time)
            desk = Desk(self._site, self._state, door, self._alerts, shifts=self._shifts, clock=time.time)
            pages = Pages(
                self._site,
                live,
                judge=self._judge,
                records=self._records,
                hours=self._hours,
                states=self._states,
                captures=self._captures,
                voltages=self._voltages,
                rolled=self._rolled,
                energy=energy,
                desk=desk,
                view=view,
            )
            public = self._public(reader, view) if door.reading == "public" else None
            everybody = [pages] if public is None else [pages, public]
            shelf = Shelf(self._home, lambda: said_by(reader.nodes()))
            for each in everybody:
                each.live.shelve(shelf.since_s(), time.time())
                each.look()
            config = uvicorn.Config(
                Guard(
                    door.guard(pages.app, public.app if public else None), own_names() | self._address.names
                ),
                http=Patient,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                backlog=BACKLOG,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=1,
            )
            self._server = server = uvicorn.Server(config)
            if self._stopping.is_set():
                return
            host, port = listening.getsockname()[:2]
            log.info("page_served", address=f"http://{host}:{port}")
            async with asyncio.TaskGroup() as tasks:
                feeding = [
                    *(tasks.create_task(_follow(each, reader)) for each in everybody),
                    *(tasks.create_task(_count(each, reader, self._state, shelf)) for each in everybody),
                    *(tasks.create_task(_tick(each)) for each in everybody),
                    tasks.create_task(keep_meters(energy, self._state, self._store, self._stopping)),
                    tasks.create_task(EnergyPost(energy, self._state, self._home, time.time).run()),
                ]
                serving = tasks.create_task(server.serve([listening]))
                while not self._stopping.is_set() and not serving.done():  # noqa: ASYNC110 - set by a thread
                    await asyncio.sleep(0.1)
                for each in everybody:
                    each.hub.close()
                server.should_exit = True
                await serving
                for task in feeding:
                    task.cancel()


async def _follow(pages: Pages, reader: Reader) -> None:
    """Tell open pages what was committed, and what has become old meanwhile."""
    told: dict[str, str] = {}
    stale: set[tuple[int, int | None]] = set()
    pace = _Pace()
    changed: set[int] = set()
    while True:
        await pace.rest(FOLLOW_S, flood=len(changed) >= FLOOD_NODES)
        try:
            changed = pages.live.follow(reader, int(time.time()))
            pages.trouble = ""
        except StoreError as error:
            changed = set()
            if not pages.trouble:
                log.error("page_cannot_read", reason=str(error))  # noqa: TRY400
            pages.trouble = str(error)
        now_s = time.time()
        old = {(id_, node.on_shelf_s) for id_, node in pages.live.nodes.items() if node.stale(now_s)}
        changed |= {id_ for id_, _ in old ^ stale} | pages.look()
        stale = old
        for language in pages.hub.languages:
            for node in sorted(changed):
                pages.hub.send(pages.card_event(node, language), language)
            state = pages.state_event(language)
            if told.get(language) != state.data:
                told[language] = state.data
                pages.hub.send(state, language)
        if changed:
            pages.hub.send(pages.tick_event())


class _Pace:
    """Rests until the page's thread has had no more than its share since the last rest.

    That is a share of a core, and in a flood one of what the rest of the gateway has got: on a machine that
    is busy with other things, a share of a core would be more than that.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._since_s = time.monotonic()
        self._spent_s, self._whole_s = time.thread_time(), time.process_time()

    async def rest(self, least_s: float, *, flood: bool = False) -> None:
        await asyncio.sleep(least_s)
        while self._too_much(flood):  # noqa: ASYNC110
            await asyncio.sleep(least_s / 2)
        self._begin()

    def _too_much(self, flood: bool) -> bool:
        passed_s, spent_s = time.monotonic() - self._since_s, time.thread_time() - self._spent_s
        if spent_s > BUSY_SHARE * passed_s:
            return True
        others_s = time.process_time() - self._whole_s - spent_s
        return flood and passed_s < PATIENCE_S and spent_s > FLOOD_SHARE * others_s


async def _count(pages: Pages, reader: Reader, state: Path, shelf: Shelf) -> None:
    """Keep count of the records on their way, and of the nodes on the shelf."""
    while True:
        sync, left_s = await asyncio.to_thread(ask_gateway, state)
        try:
            pages.counts = counts(reader)
            found = way(list(pages.counts.values()), reader, sync, left_s)
            pages.live.shelve(shelf.since_s(), time.time())
        except StoreError:
            found = pages.way  # `_follow` tells why
        if found != pages.way:
            pages.way = found
            for language in pages.hub.languages:
                pages.hub.send(pages.way_event(language), language)
        await asyncio.sleep(WAY_S)


async def _tick(pages: Pages) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        pages.hub.send(pages.tick_event())


def _listen(address: Address) -> socket.socket:
    """Return a listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    listening.setblocking(False)
    return listening
