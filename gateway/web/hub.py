"""Hands what happens to every open page. A page that does not keep up is closed: it comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.web.words import Language

CLIENTS_MAX = 100
QUEUE_MAX = 64  # messages a page may be behind


class Full(Exception):
    """As many pages are open as the gateway serves."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message: `data` is one JSON text."""

    name: str
    data: str


@dataclass(eq=False, slots=True)
class Client:
    """One open page; None in its queue ends it."""

    language: Language
    queue: "asyncio.Queue[Event | None]" = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self.queue.get()) is not None:
            yield event


class Hub:
    """All open pages. To be used in one event loop only."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def languages(self) -> set[Language]:
        """The languages that somebody reads."""
        return {client.language for client in self._clients}

    def join(self, language: Language) -> Client:
        """Return a new client, to be given back with `leave`. Raises Full."""
        if len(self._clients) >= CLIENTS_MAX:
            raise Full
        client = Client(language)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)

    def send(self, event: Event, language: Language | None = None) -> None:
        """Queue `event` for the pages in `language` (None: all). Never waits."""
        for client in list(self._clients):
            if language is None or client.language == language:
                try:
                    client.queue.put_nowait(event)
                except asyncio.QueueFull:
                    self._end(client)

    def close(self) -> None:
        """End all pages."""
        for client in list(self._clients):
            self._end(client)

    def _end(self, client: Client) -> None:
        self.leave(client)
        with suppress(asyncio.QueueEmpty):  # what it is behind it will never read
            while True:
                client.queue.get_nowait()
        client.queue.put_nowait(None)
