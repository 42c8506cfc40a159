"""The page of a large site: 200 nodes with a day of records, 50 buildings with a year of hours.

Server time is from the request to the last byte over loopback, of a gateway's page in a process of its own,
warm, as a browser asks (packed). The first chart is timed in Chromium with an empty cache. The overhead on
ingest is the CPU time of a whole gateway (store on a disk, alerts, page) for each frame it is handed, with 50
open pages that hear of everything, against none; the two alternate.
"""

import http.client
import logging
import multiprocessing
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from playwright.sync_api import sync_playwright

from device_configs.building_schema import OutdoorTemperature
from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.energy.given import Given
from gateway.energy.periods import local_day, start_of
from gateway.store import STORE_NAME
from gateway.store.energy_book import TEMPERATURE, EnergyBook, Series
from gateway.web.server import Address, Page
from tests.bench.figures import Figure, NotMeasured, at_most
from tests.bench.page_load import Load, stored
from tools.servers import free_port

NODES, BUILDINGS, DAYS = 200, 50, 365
ROUNDS, WARM = 30, 2
PAIRS, OPEN_PAGES = 5, 50
FRAMES = 40_000
PATIENCE_S = 240  # for what is reckoned when it is first asked for
DISK = Path("/var/tmp")  # kept over a restart, so never in memory
CHROMIUM = "/usr/bin/chromium"
PAGES = (
    "/",
    "/alerts",
    "/nodes",
    "/node/1",
    "/node/1?range=30d",
    "/node/1?range=year",
    "/node/1/series.json?range=7d",
    "/energy",
    "/energy/b1",
    "/energy-report",
    "/measures",
    "/data",
    "/data/latest.csv",
    "/sta/v1.1/Datastreams",
    "/sta/v1.1/Datastreams('1.up_level_mm')/Observations",
)

_processes = multiprocessing.get_context("spawn")


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir=DISK) as name:
        state = Path(name) / "state"
        state.mkdir()
        fill(state)
        with serving(state) as port:
            cold_s = asked_s(port, "/energy")[0]
            whole_s = until_reckoned(port)
            times = {path: [asked_s(port, path)[0] for _ in range(ROUNDS)] for path in warmed(port)}
            load = {path: asked_s(port, path)[1] for path in ("/", *files_of(port, "/"))}
            charts = charts_s(port)
        ratios = overheads(Path(name))
    p95 = {path: 1000 * quantile(found, 0.95) for path, found in times.items()}
    slowest = max(p95, key=lambda path: p95[path])
    medians = ", ".join(f"{path} {1000 * statistics.median(found):.0f}" for path, found in times.items())
    return [
        Figure(
            "server_p95_ms", p95[slowest], "ms", at_most(150), f"the slowest: {slowest}. Medians: {medians}"
        ),
        Figure(
            "first_load_kb", sum(load.values()) / 1000, "kB", at_most(200), f"{len(load)} files of /, packed"
        ),
        Figure("first_chart_s", statistics.median(charts), "s", at_most(1.5), f"{len(charts)} cold starts"),
        Figure(
            "cold_energy_ms",
            1000 * cold_s,
            "ms",
            at_most(1000),
            f"/energy as soon as the page is served; all {BUILDINGS} buildings after {whole_s:.0f} s",
        ),
        Figure(
            "ingest_cpu_overhead",
            statistics.median(ratios),
            "",
            at_most(0.25),
            f"{OPEN_PAGES} pages against none, {PAIRS} pairs of {FRAMES} frames: "
            + ", ".join(f"{r:.2f}" for r in ratios),
        ),
    ]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def town() -> Site:
    """The demonstration's nodes and buildings, over and over; 50 of the nodes are the buildings' meters."""
    demo = load_site(SITES / "narvik-demo")
    models = [demo.node(11), demo.node(12), demo.node(21)]
    meters = range(NODES - BUILDINGS + 1, NODES + 1)
    nodes = [
        replace(demo.node(31) if i in meters else models[i % 3], id=i, name=f"Sted {i}")
        for i in range(1, NODES + 1)
    ]
    model = demo.buildings[0]
    buildings = tuple(
        model.model_copy(
            update={
                "id": f"b{i}", "name": f"Bygg {i}", "outdoor_temperature": OutdoorTemperature(series="air"),
                "meters": (model.meters[0].model_copy(update={"node": node}),),
            }
        )
        for i, node in enumerate(meters, 1)
    )  # fmt: skip
    rules = tuple(rule for rule in demo.rules if rule.profile is not None and not rule.nodes)
    return replace(demo, nodes=tuple(nodes), buildings=buildings, rules=rules, initiatives=(), events=())


def fill(state: Path) -> None:
    """Write a day of records of each node, and a year of hours of each building."""
    site, now_s = town(), int(time.time())
    stored(site, state / STORE_NAME, now_s)
    zone = ZoneInfo(site.timezone)
    begin = local_day(now_s, zone) - timedelta(days=DAYS)
    from_s = start_of(begin, zone)
    with EnergyBook.write(state, now_s * 1000) as book:
        random = Random(1)
        for i in range(1, BUILDINGS + 1):
            hours = [
                Given(from_s + 3600 * h, from_s + 3600 * (h + 1), _wh(random, i, h)) for h in range(DAYS * 24)
            ]
            book.take([(Series(f"b{i}", "electricity", "main"), hours)], f"{i}.csv", "00", "bench", 1)
        cold = [Given(from_s + 86_400 * d, from_s + 86_400 * (d + 1), 100 * _celsius(d)) for d in range(DAYS)]
        book.take([(Series("air", TEMPERATURE, "main"), cold)], "t.csv", "00", "bench", 1)


def _celsius(day: int) -> int:
    return day * 7 % 23 - 9


def _wh(random: Random, building: int, hour: int) -> int:
    """Return an hour's energy: more by day, more in the cold, and never quite the same."""
    heat = 900 * max(0, 12 - _celsius(hour // 24))
    return round((20_000 + 200 * building + 9000 * (6 < hour % 24 < 17) + heat) * random.uniform(0.9, 1.1))


# Asking


def _serve(state: Path, port: int, ending: Connection) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    page = Page(town(), state, state / STORE_NAME, Address("127.0.0.1", port))
    page.start()
    ending.recv()
    page.stop()


@contextmanager
def serving(state: Path) -> Iterator[int]:
    """Serve the page from a process of its own; yield its port."""
    port, (ours, theirs) = free_port(), _processes.Pipe()
    process = _processes.Process(target=_serve, args=(state, port, theirs))
    process.start()
    try:
        until_up(port)
        yield port
    finally:
        ours.send(None)
        process.join(20)
        process.kill()


def until_up(port: int, patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            asked_s(port, "/healthz")
            return
        except OSError:
            time.sleep(0.1)
    raise NotMeasured(f"the page was not served within {patience_s:.0f} s")


def asked_s(port: int, path: str) -> tuple[float, int]:
    """Return how long a page took, and how many bytes came. Raises NotMeasured where it is not 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.connect()
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept-Language": "nb"})
        answer = connection.getresponse()
        body = answer.read()
        spent = time.perf_counter() - begun
    finally:
        connection.close()
    if answer.status != 200:
        raise NotMeasured(f"{path} answers {answer.status}")
    return spent, len(body) + sum(len(k) + len(v) + 4 for k, v in answer.getheaders())


def until_reckoned(port: int) -> float:
    """Wait until the figures of all buildings are there; return how long that took."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < PATIENCE_S:
        if b"data-again" not in fetched(port, "/energy"):
            return time.perf_counter() - begun
        time.sleep(0.5)
    raise NotMeasured(f"the energy figures were not there within {PATIENCE_S} s")


def fetched(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def warmed(port: int) -> Sequence[str]:
    """Ask for every page once or twice, so that what is kept is there."""
    for path in PAGES * WARM:
        asked_s(port, path)
    return PAGES


def files_of(port: int, path: str) -> list[str]:
    """Return the style, script and mark that a page asks for."""
    return sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', fetched(port, path).decode())))


def charts_s(port: int, times: int = 5) -> list[float]:
    """Return how long it takes from an empty browser to the first chart that can be seen."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for _ in range(times):
            context = browser.new_context()
            page = context.new_page()
            begun = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
            page.locator(".spark path.line").first.wait_for(state="visible")
            page.evaluate(
                "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
            )  # it is painted
            found.append(time.perf_counter() - begun)
            context.close()
        browser.close()
    return found


# Ingest beside open pages


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of a gateway for each frame, and how many messages its pages were told."""

    per_frame_s: float
    told: int


def overheads(folder: Path) -> list[float]:
    """Return the share by which 50 open pages raise the CPU time of a frame, pair by pair."""
    found = []
    for i in range(PAIRS + 1):
        order = (0, OPEN_PAGES) if i % 2 else (OPEN_PAGES, 0)
        spent = {pages: ingested(folder / f"load-{i}-{pages}", pages) for pages in order}
        if spent[OPEN_PAGES].told < OPEN_PAGES:
            raise NotMeasured("the open pages were told nothing")
        if i:  # the first pair warms up
            found.append(spent[OPEN_PAGES].per_frame_s / spent[0].per_frame_s - 1)
    return found


def ingested(state: Path, pages: int) -> Spent:
    """Hand a gateway its frames with so many open pages; return what it cost."""
    state.mkdir()
    port, (ours, theirs) = free_port(), _processes.Pipe()
    process = _processes.Process(target=Load(town(), state, port, FRAMES).run, args=(theirs,))
    process.start()
    try:
        until_up(port)
        with listening(port, pages) as told:
            ours.send("go")
            if not ours.poll(120):
                raise NotMeasured("the gateway did not take its frames within 120 s")
            answer: Any = ours.recv()
            return Spent(answer / FRAMES, told())
    finally:
        ours.close()
        process.join(20)
        process.kill()


@contextmanager
def listening(port: int, pages: int) -> Iterator[Callable[[], int]]:
    """Keep so many pages open in a process of their own; yield what counts the messages they were told."""
    count = _processes.Value("q", 0)
    ready, ending = _processes.Event(), _processes.Event()
    process = _processes.Process(target=_listen, args=(port, pages, count, ready, ending))
    process.start()
    try:
        if not ready.wait(60):
            raise NotMeasured("the pages could not be opened")
        yield lambda: int(count.value)
    finally:
        ending.set()
        process.join(20)
        process.kill()


def _listen(port: int, pages: int, count: Any, ready: Any, ending: Any) -> None:
    import selectors
    import socket

    with selectors.DefaultSelector() as selector:
        for _ in range(pages):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(b"GET /events?lang=nb HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        ready.set()
        while not ending.is_set():
            if not pages:
                time.sleep(0.1)
                continue
            for key, _ in selector.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(1 << 20)
                count.value += data.count(b"event: card")
                if not data:
                    selector.unregister(key.fileobj)
