"""The control socket: one line, one answer, and rude clients harm nobody."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.control import CLIENTS_MAX, LINE_MAX, Control, ControlError, Message, request


async def echo(message: Message) -> Message:
    return {"said": message.get("what")}


async def refuse(_: Message) -> Message:
    raise ControlError("not today")


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "gateway.sock"
    path.touch()  # left over by a gateway that was killed
    serving = asyncio.create_task(Control(path, {"echo": echo, "refuse": refuse}).serve())
    async with asyncio.timeout(60):
        while not path.is_socket():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    yield path
    serving.cancel()
    await asyncio.wait([serving])
    assert not path.exists()


async def ask(path: Path, message: Message) -> Message:
    return await asyncio.to_thread(request, path, message)


async def test_a_question_has_an_answer(path: Path) -> None:
    assert await ask(path, {"do": "echo", "what": "æøå"}) == {"said": "æøå"}
    assert path.stat().st_mode & 0o777 == 0o600  # noqa: ASYNC240


async def test_no_is_an_answer_too(path: Path) -> None:
    with pytest.raises(ControlError, match="not today"):
        await ask(path, {"do": "refuse"})
    with pytest.raises(ControlError, match="with one of: echo, refuse"):
        await ask(path, {"do": "dance"})


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b"{}\n", b'{"do": ["echo"]}\n', b"\xff\n"])
async def test_nonsense_is_answered_and_the_line_stays_open(path: Path, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line + b'{"do": "echo", "what": 1}\n')
    assert b'"ok": false' in await reader.readline()
    assert await reader.readline() == b'{"ok": true, "said": 1}\n'
    writer.close()


async def test_a_line_without_end_is_cut_off(path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"x" * (LINE_MAX + 1000))
    assert b"bytes at most" in await reader.readline()
    assert await reader.read() == b""
    writer.close()
    assert await ask(path, {"do": "echo"}) == {"said": None}


async def test_idle_clients_are_bounded(path: Path) -> None:
    idle = [await asyncio.open_unix_connection(path) for _ in range(CLIENTS_MAX)]
    for _, writer in idle:
        writer.write(b'{"do": "echo"}\n')
    for reader, _ in idle:
        await reader.readline()
    with pytest.raises(ControlError, match="connections"):
        await ask(path, {"do": "echo"})
    for _, writer in idle:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(60):
        while True:
            try:
                assert await ask(path, {"do": "echo"}) == {"said": None}
                break
            except ControlError:
                await asyncio.sleep(0.01)


def test_without_a_gateway_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="Is the gateway running"):
        request(tmp_path / "gateway.sock", {"do": "status"})
    with pytest.raises(ControlError, match="Is sync running"):
        request(tmp_path / "sync.sock", {"do": "status"})


def test_a_gateway_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        with pytest.raises(ControlError, match="no answer within"):
            request(path, {"do": "status"}, timeout_s=0.05)
