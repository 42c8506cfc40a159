"""What a console has heard: pieces, marks, and time that is over."""

import asyncio

import pytest

from hardware.transcript import Transcript
from hardware.virtual.clock import RealClock


async def test_bytes_become_text_in_whatever_pieces_they_come() -> None:
    heard = Transcript(RealClock())
    for byte in "blåbær\r\n".encode():
        heard.hear(bytes((byte,)))
    heard.hear(b"\xff")
    assert heard.text() == "blåbær\n\ufffd"


async def test_a_line_counts_from_the_mark_even_after_half_a_line() -> None:
    heard = Transcript(RealClock())
    heard.hear(b">>> ")
    mark = len(heard.text())
    waiting = asyncio.ensure_future(heard.until(r"^cold (\w+)$", 5, mark))
    await asyncio.sleep(0)
    heard.hear(b"cold bo")
    await asyncio.sleep(0)
    heard.hear(b"ot\n")
    assert (await waiting)[1] == "boot"


async def test_what_does_not_come_is_told_with_what_came() -> None:
    heard = Transcript(RealClock())
    heard.hear(b"something else\n")
    with pytest.raises(TimeoutError, match=r"no 'cold' within 0 s; heard:\nsomething else"):
        await heard.until("cold", 0)
