"""A mail server (aiosmtpd) on a real socket, with its good and bad days."""

import asyncio
from email import message_from_bytes
from email.message import Message
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from tools.servers import free_port

_Open = set[asyncio.BaseTransport]
Mood = Literal["well", "refusing", "slow"]


class _Silent(asyncio.Protocol):
    """Takes a connection and says nothing."""

    def __init__(self, open_: _Open) -> None:
        self._open = open_

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(transport)


class _Talking(SMTP):
    def __init__(self, handler: "Postbox", open_: _Open) -> None:
        super().__init__(handler, hostname="postbox")
        self._open = open_

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(transport)
        super().connection_made(transport)


class Postbox:
    """`mails` are those taken. `mood`: takes them, refuses each for good, or says nothing."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.mood: Mood = "well"
        self.port = free_port()  # nobody's connection takes it while this is closed
        self._server: asyncio.Server | None = None
        self._open: _Open = set()

    async def open(self) -> None:
        """Listen, on the same port each time."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._answer, "127.0.0.1", self.port)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for transport in self._open:
            transport.close()
        self._open.clear()
        await asyncio.sleep(0.05)  # each ends in a later round of the loop

    def _answer(self) -> asyncio.BaseProtocol:
        return _Silent(self._open) if self.mood == "slow" else _Talking(self, self._open)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if self.mood == "refusing":
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 taken"
