"""Hands what happens to every open page. Who does not keep up is told the newest of each thing, no more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gateway.web.words import Language

CLIENTS_MAX = 100


class Full(Exception):
    """As many pages are open as the gateway serves."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message: `data` is one JSON text. A later one about the same thing takes its place."""

    name: str
    data: str
    about: str = ""
    encoded: bytes = field(init=False, repr=False, compare=False)  # once for all pages

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", f"event: {self.name}\ndata: {self.data}\n\n".encode())


@dataclass(eq=False, slots=True)
class Client:
    """One open page, and what it has not been told yet."""

    language: Language
    pending: dict[tuple[str, str], Event] = field(default_factory=dict)
    ended: bool = False
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, event: Event) -> None:
        key = event.name, event.about
        self.pending.pop(key, None)  # the newer one has its place at the end
        self.pending[key] = event
        self._awake.set()

    def end(self) -> None:
        self.ended = True
        self._awake.set()

    async def events(self) -> AsyncIterator[list[Event]]:
        """Yield all that there is to tell, as it comes, until the page is ended."""
        while True:
            await self._awake.wait()
            if self.ended:
                return
            self._awake.clear()
            told, self.pending = list(self.pending.values()), {}
            yield told


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
        """Tell `event` to the pages in `language` (None: all). Never waits."""
        for client in self._clients:
            if language is None or client.language == language:
                client.put(event)

    def close(self) -> None:
        """End all pages."""
        for client in self._clients:
            client.end()
        self._clients.clear()
