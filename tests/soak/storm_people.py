"""Who is told in the storm: a receiver on the internet, and telephones behind a GSM modem that needs none.

Apprise, gammu-smsd and the notifier are the real ones; the internet is a web server that can be away.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from device_configs.model import Site
from gateway.alerts import step
from gateway.alerts.channels import Channel, ChannelsFile
from gateway.alerts.paging import Message
from gateway.alerts.service import Alerts
from gateway.alerts.sms import Gammu
from gateway.notify import Notifier, Settings
from tests.gateway.alerts.at_modem import AtModem, smsd, write_config
from tests.soak import storm_scene as scene
from tools.servers import HOST, free_port

TELEPHONES = {"vei": "+4791000001", "bygg": "+4791000002", "beredskap": "+4791000003"}
TOLD_WITHIN_S = 120.0  # real: a limit, not a measure


class Internet:
    """A receiver of JSON messages; `keys` are those it got, in the order they came."""

    def __init__(self) -> None:
        self.port = free_port()
        self.keys: list[str] = []
        self._server: ThreadingHTTPServer | None = None

    def come(self) -> None:
        keys = self.keys

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                keys.append(str(body["message"]).rsplit("\n", 1)[-1])
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, self.port), Receiver)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def go(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def modem(folder: Path) -> Iterator[tuple[AtModem, Gammu]]:
    """A GSM modem with gammu-smsd on it."""
    folder.mkdir()
    with AtModem() as made:
        config = write_config(folder, made.device)
        with smsd(config):
            yield made, Gammu(config)


class People:
    """Delivers what the alerts have to say, and acknowledges what the scene says somebody does."""

    def __init__(self, site: Site, internet: Internet, gammu: Gammu) -> None:
        self.site = site
        ways = []
        for recipient, number in TELEPHONES.items():
            ways.append(Channel(recipient=recipient, url=f"json://{HOST}:{internet.port}/{recipient}"))
            ways.append(Channel(recipient=recipient, sms=number))
        self._settings = Settings(ChannelsFile(channels=tuple(ways)), modem=gammu)
        self._notifier: Notifier | None = None
        self._running: asyncio.Task[None] | None = None
        self.alerts: Alerts | None = None
        self._acknowledged: set[tuple[str, int]] = set()

    def follow(self, alerts: Alerts, town_now_ms: Any) -> None:
        """Deliver for these alerts from now on."""
        self.alerts = alerts
        self._notifier = Notifier(alerts, self._settings, now_ms=town_now_ms)
        self._running = asyncio.get_running_loop().create_task(self._notifier.run())

    async def leave(self) -> None:
        """The gateway has no supply."""
        self.alerts = None
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def look(self, now_s: int) -> None:
        """Judge what has been committed, acknowledge what is due, and deliver what may go."""
        if self.alerts is None or self._notifier is None:
            return
        while await self.alerts.step():
            pass
        for id_, after_s in scene.ACKNOWLEDGED_AFTER_S.items():
            state = self.alerts.engine.states[id_]
            since_s = state.announced_at_s
            if state.active and id_ not in self._acknowledged and since_s and now_s - since_s >= after_s:
                self._acknowledged.add(id_)
                await self.alerts.wish(id_, lambda _watch, s: step.acknowledge(s, "vakt", now_s))
        async with asyncio.timeout(TOLD_WITHIN_S):
            while await self._notifier._due():
                self.alerts.messages_wait()
                await asyncio.sleep(0.005)

    async def told(self) -> list[tuple[Message, str]]:
        """Return each message that was delivered, and by which channel."""
        assert self.alerts is not None

        def read(journal: Any) -> list[tuple[str, str]]:
            return list(
                journal.db.execute(
                    "SELECT o.key, d.channel FROM outbox AS o "
                    "JOIN deliveries AS d ON d.message = o.id AND d.ok ORDER BY d.id"
                )
            )

        rows = await self.alerts.write(read)
        messages = await self.alerts.write(_messages)
        return [(messages[key], channel) for key, channel in rows]


def _messages(journal: Any) -> dict[str, Message]:
    from gateway.alerts.journal import _message

    rows = journal.db.execute(
        "SELECT key, recipient, priority, kind, created_s, due_s, members, level, drill FROM outbox"
    )
    return {row[0]: _message(row) for row in rows}
