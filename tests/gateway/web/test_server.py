"""The page beside a gateway: served from its own thread, told what is committed, no trouble to anybody."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.model import NodeState, Record, StoredRecord
from gateway.store import Change, Store
from gateway.web import server
from gateway.web.concerns import Passed
from gateway.web.server import Address, Page
from tests.gateway.web.made import SITE, intake, snow
from tools.servers import free_port

HOST = "127.0.0.1"
TEXTS = {la: {"name": "Rista tettes", "seen": "", "action": "Rens rista"} for la in ("nb", "en")}


def fresh(record: StoredRecord) -> Record:
    """Return a record as ingest hands it to the store."""
    fields = {name: getattr(record, name) for name in Record.__dataclass_fields__}
    return Record(**fields)


def now_s() -> int:
    return int(time.time())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("FOLLOW_S", 0.05), ("WAY_S", 0.1), ("TICK_S", 0.1), ("RESTART_S", 0.1)):
        monkeypatch.setattr(server, name, seconds)


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[Store]:
    opened = Store.open(folder / "store.db")
    try:
        yield opened
    finally:
        await opened.close()


class Served:
    """A page that is served, and a browser's connections to it."""

    def __init__(self, page: Page, port: int, session: aiohttp.ClientSession) -> None:
        self.page, self.url, self.session = page, f"http://{HOST}:{port}", session

    async def get(self, path: str, **more: Any) -> tuple[int, str]:
        async with self.session.get(self.url + path, **more) as answer:
            return answer.status, await answer.text()

    async def until_up(self) -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    await self.get("/healthz")
                    return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)

    async def event(
        self,
        name: str,
        fits: Callable[[dict[str, Any]], bool] = lambda _: True,
        opened: asyncio.Event | None = None,
    ) -> dict[str, Any]:
        """Open the page's events and wait for one that fits; `opened` is set once the page tells them."""
        async with asyncio.timeout(60), self.session.get(f"{self.url}/events?lang=nb") as answer:
            if opened is not None:
                opened.set()
            kind = ""
            while line := (await answer.content.readline()).decode():
                if line.startswith("event: "):
                    kind = line[7:].strip()
                elif line.startswith("data: ") and kind == name and fits(told := json.loads(line[6:])):
                    return dict(told)
        raise AssertionError(f"no event {name}")


@asynccontextmanager
async def served(
    folder: Path, port: int, alerts: Callable[[], list[Passed]] | None = None
) -> AsyncIterator[Served]:
    page = Page(SITE, folder, folder / "store.db", Address(HOST, port))
    page.start(alerts)
    timeout = aiohttp.ClientTimeout(total=60)
    try:
        async with aiohttp.ClientSession(timeout=timeout, read_bufsize=1 << 20) as session:
            found = Served(page, port, session)
            await found.until_up()
            yield found
    finally:
        await asyncio.to_thread(page.stop)
    assert page._thread is not None
    assert not page._thread.is_alive()


async def test_what_is_committed_reaches_an_open_page(tmp_path: Path) -> None:
    async with store(tmp_path) as written, served(tmp_path, free_port()) as page:
        assert (await page.get("/healthz"))[0] == 200
        opened = asyncio.Event()
        waiting = asyncio.create_task(page.event("card", lambda told: "66" in told["html"], opened))
        await opened.wait()
        await written.append(Change(records=[fresh(intake(660, 640, now_s()))]))
        told = await waiting
        assert (told["node"], told["kind"]) == (11, "intake")
        status, text = await page.get("/node/11")
        assert status == 200
        assert ">66<" in text
        status, text = await page.get("/node/11.csv")
        assert len(text.splitlines()) == 2


async def test_a_node_that_goes_to_the_shelf_and_comes_back_is_told_to_an_open_page(tmp_path: Path) -> None:
    begun_s = now_s()

    def said(text: str, at_s: int) -> Change:
        return Change(nodes=[NodeState(11, b"", status=text, status_at_ms=at_s * 1000)])

    async with store(tmp_path) as written, served(tmp_path, free_port()) as page:
        await written.append(Change(records=[fresh(intake(660, 640, begun_s - 60))]))

        async def told(html: str, name: str = "card") -> None:
            await page.event(name, lambda found: html in found["html"])

        await told(">66<")
        await written.append(said('{"shelf": 1}', begun_s - 30))
        await told("is-shelf")
        await told("0 av 6 steder måler nå, 1 er på hylla", "state")
        await written.append(said("{}", begun_s - 20))
        await written.append(Change(records=[fresh(intake(710, 640, begun_s - 10, commit=2))]))
        await told(">71<")
        assert "is-shelf" not in (await page.get("/"))[1]


async def test_a_node_that_is_not_mounted_yet_is_on_the_shelf_by_the_registry(tmp_path: Path) -> None:
    board = {"since": "2026-11-01T10:00:00Z", "until": None}
    registry = {"nodes": {"21": {"stage": "shelved", "hardware": [board]}}}
    (tmp_path / "nodes.json").write_text(json.dumps(registry))
    async with store(tmp_path), served(tmp_path, free_port()) as page:
        _, text = await page.get("/node/21?lang=en")
        assert "On the shelf since 1 Nov 2026 11:00" in text
        (tmp_path / "nodes.json").unlink()
        # Not yet heard, it has as long for its first record as for any.
        assert "On the shelf since" in (await page.get("/node/21?lang=en"))[1]


async def test_counts_and_alerts_reach_it_too(tmp_path: Path) -> None:
    alerts: list[Passed] = []
    async with store(tmp_path) as written, served(tmp_path, free_port(), lambda: alerts) as page:
        await written.append(Change(records=[fresh(intake(660, 640, now_s())), fresh(snow(500, now_s()))]))
        opened = asyncio.Event()
        waiting = asyncio.create_task(
            page.event("state", lambda told: "Rista tettes" in told["html"], opened)
        )
        await opened.wait()
        alerts.append(Passed(11, "alarm", now_s(), 40, TEXTS))
        await waiting
        before = time.time()
        told = await page.event("tick", lambda told: told["newest"] is not None)
        assert before - 1 <= told["now"] <= time.time() + 1
        assert "Synk er slått av" in (await page.event("way"))["html"]


async def test_a_port_that_is_taken_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    async with store(tmp_path):
        with socket.create_server((HOST, port)):
            page = Page(SITE, tmp_path, tmp_path / "store.db", Address(HOST, port))
            page.start()
            await asyncio.sleep(0.3)
            assert page._thread is not None
            assert page._thread.is_alive()
        try:
            async with aiohttp.ClientSession() as session:
                await Served(page, port, session).until_up()
        finally:
            await asyncio.to_thread(page.stop)


async def test_without_a_store_it_waits_for_one(tmp_path: Path) -> None:
    port = free_port()
    page = Page(SITE, tmp_path, tmp_path / "store.db", Address(HOST, port))
    page.start()
    await asyncio.sleep(0.3)
    try:
        async with store(tmp_path), aiohttp.ClientSession() as session:
            await Served(page, port, session).until_up()
    finally:
        await asyncio.to_thread(page.stop)


async def test_another_name_is_refused(tmp_path: Path) -> None:
    async with store(tmp_path), served(tmp_path, free_port()) as page:
        assert (await page.get("/", headers={"Host": "evil.example"}))[0] == 421
        async with page.session.post(page.url) as answer:
            assert answer.status == 405


async def test_it_stops_while_pages_are_open(tmp_path: Path) -> None:
    async with (
        store(tmp_path),
        served(tmp_path, free_port()) as page,
        page.session.get(f"{page.url}/events") as answer,
    ):
        await answer.content.readline()
        await asyncio.to_thread(page.page.stop)
        assert page.page._thread is not None
        assert not page.page._thread.is_alive()


def test_a_page_that_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    Page(replace(SITE, nodes=()), tmp_path, tmp_path / "store.db", Address(HOST, 1)).stop()


@pytest.mark.parametrize(
    ("passed_s", "page_s", "whole_s", "flood", "too_much"),
    [
        (1.0, 0.06, 5.0, False, True),  # more than a twentieth of a core
        (1.0, 0.04, 0.05, False, False),  # little else to do: nobody is in its way
        (1.0, 0.04, 0.14, True, True),  # in a flood, on a machine that gives the gateway a tenth of a core
        (1.0, 0.04, 0.94, True, False),
        (6.0, 0.04, 0.14, True, False),  # nobody waits for ever
    ],
)
def test_in_a_flood_the_page_has_its_share_of_what_the_gateway_gets(
    monkeypatch: pytest.MonkeyPatch,
    passed_s: float,
    page_s: float,
    whole_s: float,
    flood: bool,
    too_much: bool,
) -> None:
    clocks = {"monotonic": 0.0, "thread_time": 0.0, "process_time": 0.0}
    for name in clocks:
        monkeypatch.setattr(f"gateway.web.server.time.{name}", lambda name=name: clocks[name])
    pace = server._Pace()
    clocks |= {"monotonic": passed_s, "thread_time": page_s, "process_time": whole_s}
    found = pace._too_much(flood)
    monkeypatch.undo()
    assert found is too_much
