"""A mail server on a real socket (RFC 5321, as much as a client needs), with its good and bad days."""

import asyncio
import re
from email import message_from_bytes
from email.message import Message
from typing import Literal

Mood = Literal["well", "refusing", "slow"]


class Postbox:
    """`mails` are those taken. `mood`: takes them, refuses each for good, or says nothing."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.mood: Mood = "well"
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.mood == "slow":
                await reader.read()
                return
            writer.write(b"220 postbox\r\n")
            while line := await reader.readline():
                verb = re.split(rb"[\s:]", line.strip().upper())[0]
                if verb == b"EHLO":
                    writer.write(b"250-postbox\r\n250 8BITMIME\r\n")
                elif verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self.mails.append(message_from_bytes(await _body(reader)))
                    writer.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                elif verb == b"RCPT" and self.mood == "refusing":
                    writer.write(b"550 no such mailbox\r\n")
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) != b".\r\n":
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return b"".join(lines)
