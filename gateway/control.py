"""The gateway's Unix socket: commands that ask or change something go through the process that owns it.

One JSON object a line, one answer a line: {"do": "status"} -> {"ok": true, ...} or
{"ok": false, "error": "..."}. Whoever may open the socket, which is the state directory's owner, may ask.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()

LINE_MAX = 64 * 1024
CLIENTS_MAX = 16
SOCKET_NAME = "gateway.sock"

Message = dict[str, Any]
Verb = Callable[[Message], Awaitable[Message]]


class ControlError(Exception):
    """The gateway cannot be asked, or says no; the text is for people."""


class Control:
    """Serves `verbs` (the values of "do") at `path`. A verb says no by raising ControlError."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._verbs = dict(verbs)
        self._clients: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        """Serve until cancelled. The caller holds the state directory's lock: an old socket is a dead one."""
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._client, self._path, limit=LINE_MAX)
        self._path.chmod(0o600)
        try:
            async with server:
                await server.serve_forever()
        finally:
            for client in self._clients:
                client.close()
            self._path.unlink(missing_ok=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            if len(self._clients) > CLIENTS_MAX:
                await _answer(writer, {"ok": False, "error": f"more than {CLIENTS_MAX} connections"})
                return
            while line := await reader.readline():
                await _answer(writer, await self._obey(line))
        except ValueError:  # from readline: the line does not end
            await _answer(writer, {"ok": False, "error": f"a line has {LINE_MAX} bytes at most"})
        except ConnectionError:
            pass  # it has gone, and with it whoever waits for the answer
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _obey(self, line: bytes) -> Message:
        try:
            message = json.loads(line)
        except ValueError as error:
            return {"ok": False, "error": f"not a line of JSON: {error}"}
        verb = self._verbs.get(str(message.get("do"))) if isinstance(message, dict) else None
        if verb is None:
            return {"ok": False, "error": 'say {"do": ...} with one of: ' + ", ".join(sorted(self._verbs))}
        try:
            return {"ok": True, **await verb(message)}
        except ControlError as error:
            return {"ok": False, "error": str(error)}


async def _answer(writer: asyncio.StreamWriter, message: Message) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


def request(path: Path, message: Message, timeout_s: float = 10.0) -> Message:
    """Ask the process behind the socket at `path` and return its answer. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            with suppress(BrokenPipeError):  # refused: why is there to be read
                connection.sendall(json.dumps(message).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except TimeoutError as error:
        raise ControlError(f"{path}: no answer within {timeout_s:g} s") from error
    except OSError as error:
        who = "the gateway" if path.name == SOCKET_NAME else path.stem
        raise ControlError(f"{path}: nobody answers ({error.strerror}). Is {who} running?") from error
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ControlError(f"{path}: the connection closed without an answer") from error
    if not answer["ok"]:
        raise ControlError(answer["error"])
    return {key: value for key, value in answer.items() if key != "ok"}
