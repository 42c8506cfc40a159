"""A whole gateway to attack, as installed: its broker with TLS and lists, the process, its page.

While somebody attacks, a node of the tests goes on bringing records: `goes_on` proves that each is
acknowledged, and that the page answers.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt

from device_configs.keys import write_keys
from gateway.model import Downlink
from tests.tools.installation.staged import SITE, SITE_ID, InstalledBroker, SiteNode, staged
from tools.programs import Gateway
from tools.servers import HOST, free_port
from wire import control

NODE, EVIL = 11, 12
PAGE_NAME = "sensors.bodo.example"  # as in docs/nginx.conf
WITHIN_S = 60.0


class Attacked:
    """`node` is an honest one; `evil` holds a node's key and password as well, and means harm."""

    def __init__(self, folder: Path) -> None:
        self.places = staged(folder)
        self.broker = InstalledBroker(self.places)
        self.node, self.evil = SiteNode(NODE), SiteNode(EVIL)
        for node in (NODE, EVIL):
            self.broker.credentials.password(node)
        write_keys(self.places.data / "keys.json", {n.node: n.key for n in (self.node, self.evil)})
        self.page_port = free_port()
        at = f"localhost:{self.broker.choices.broker.port}"
        ca = ["--broker-ca", str(self.places.settings / "ca.pem"), "--page-name", PAGE_NAME]
        password = self.places.secrets / "broker"
        self.gateway = Gateway(self.places.data, SITE, at, password, self.page_port, radios=ca)
        self.sent = 0

    def start(self) -> None:
        self.broker.start()
        self.gateway.start()
        end = time.monotonic() + WITHIN_S
        while not self.status()["carriers"][0]["connected"]:
            assert time.monotonic() < end
            time.sleep(0.05)

    def stop(self) -> None:
        self.gateway.stop()
        self.broker.stop()

    def status(self) -> dict[str, Any]:
        return self.gateway.status()

    def refused(self) -> dict[str, int]:
        found: dict[str, int] = self.status()["refusals"]
        return found

    @asynccontextmanager
    async def client(self, node: int) -> AsyncIterator[aiomqtt.Client]:
        password = self.broker.credentials.password(node)
        tls = self.broker.tls
        async with aiomqtt.Client(
            "localhost", self.broker.port, username=f"n{node}", password=password, tls_context=tls
        ) as connected:
            yield connected

    async def goes_on(self, *, page: bool = True) -> None:
        """The honest node introduces itself and brings a record, which is acknowledged; the page answers."""
        async with asyncio.timeout(WITHIN_S), self.client(NODE) as client:
            await client.subscribe(f"sn/{SITE_ID}/{NODE}/down")
            fresh = self.node.bring(self.sent, int(time.time()) - 10_000 + self.sent)
            self.sent += 1
            told: dict[int, Any] = {}
            for frame in (self.node.status(), fresh):
                await client.publish(f"sn/{SITE_ID}/{NODE}/up", frame)
                message = await anext(client.messages)
                told = self.node.hear([Downlink(NODE, bytes(message.payload))])
            assert told[control.ACK][1] == self.sent
        if page:
            async with asyncio.timeout(WITHIN_S), aiohttp.request("GET", self.page("/healthz")) as answer:
                assert answer.status == 200

    async def refused_rise(self, cause: str, than: int) -> None:
        """Wait until more than `than` frames were refused for `cause`."""
        async with asyncio.timeout(WITHIN_S):
            while self.refused().get(cause, 0) <= than:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.05)

    def page(self, path: str) -> str:
        return f"http://{HOST}:{self.page_port}{path}"
