"""What the page bench trusts: its site, its frames, and that it sees a page that fails."""

import asyncio
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from device_configs import compile as compiled
from gateway.app import Gateway, Settings
from gateway.carriers.mqtt import Broker
from gateway.store import STORE_NAME, Reader, Store
from tests.bench.figures import NotMeasured
from tests.bench.page import BUILDINGS, NODES, asked_s, files_of, quantile, town
from tests.bench.page_load import Feed, stored
from tests.bench.traffic import GATEWAY_ID, key_of


def test_the_site_is_as_large_as_it_says() -> None:
    site = town()
    assert (len(site.nodes), len(site.buildings)) == (NODES, BUILDINGS) == (200, 50)
    for building in site.buildings:
        assert site.node(building.meters[0].node).profile.name == "energy"


def test_a_filled_store_has_a_day_of_everybody(tmp_path: Path) -> None:
    site = town().only(1, 2, 200)
    stored(site, tmp_path / "store.db", 1_795_000_000)
    with Reader.open(tmp_path / "store.db") as reader:
        assert reader.stored() == {1: 144, 2: 144, 200: 144}


async def test_every_frame_is_taken(tmp_path: Path) -> None:
    site = town().only(1, 3, 200)
    keys = {node.id: key_of(node.id) for node in site.nodes}
    settings = Settings(site.id, GATEWAY_ID, keys, compiled.schemas(site), tmp_path, Broker())
    store = Store.open(tmp_path / STORE_NAME)
    feed, stop = Feed(site, 30), asyncio.Event()
    running = asyncio.create_task(Gateway(settings, store, carriers=[feed]).run(stop))
    feed.go.set()
    async with asyncio.timeout(60):
        await feed.done.wait()
    assert store.reader.stored() == {1: 10, 3: 10, 200: 10}
    assert feed.spent_s > 0
    stop.set()
    await running
    await store.close()


def test_a_page_that_fails_is_no_figure() -> None:
    class Failing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ok" else 500)
            self.end_headers()
            self.wfile.write(b'<link href="/static/a.css?v=1"><a href="/static"></a>')

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Failing)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(NotMeasured, match="/bad answers 500"):
            asked_s(server.server_port, "/bad")
        spent, size = asked_s(server.server_port, "/ok")
        assert spent > 0
        assert size > 50
        assert files_of(server.server_port, "/ok") == ["/static/a.css?v=1"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_quantiles() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.95) == 3.0
