"""The gateway's Unix socket: only its owner gets to it, and no line it can be sent brings it down."""

import json
import re
import socket
import stat
from contextlib import suppress

import pytest

from tests.security.attacked import Attacked
from tools.installation.units import SOURCE

pytestmark = pytest.mark.servers


def say(attacked: Attacked, line: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(attacked.places.data / "gateway.sock"))
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(line)
        with connection.makefile("rb") as answers, suppress(ConnectionResetError):
            answer: dict[str, object] = json.loads(answers.readline() or b"{}")
            return answer
    return {}


def test_only_its_owner_may_open_it(attacked: Attacked) -> None:
    mode = (attacked.places.data / "gateway.sock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    tmpfiles = (SOURCE / "sensornett.tmpfiles").read_text()
    assert re.search(r"^d /var/lib/sensornett +0700 sensornett sensornett$", tmpfiles, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"null\n", b"[]\n", b"{}\n", b'{"do": 7}\n', b'{"do": "__class__"}\n', b"\xff\xfe\n",
        b'{"do": "ask", "node": {"a": 1}}\n', b'{"do": "synced", "store_id": "zz", "spans": 7}\n',
        b'{"do": "synced", "store_id": "", "spans": [[1e400, 2]]}\n', b"[" * 60_000 + b"\n", b"x" * 200_000,
        b'{"do": "status", "do": "x"}\n', b'{"do": "status"' + b" " * 60_000 + b"}\n",
    ],
)  # fmt: skip
async def test_no_line_brings_it_down(attacked: Attacked, line: bytes) -> None:
    say(attacked, line)
    await attacked.goes_on()


async def test_many_at_once_are_turned_away(attacked: Attacked) -> None:
    waiting = []
    try:
        for _ in range(100):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(60)
            connection.connect(str(attacked.places.data / "gateway.sock"))
            waiting.append(connection)
    finally:
        for connection in waiting:
            connection.close()
    await attacked.goes_on()
