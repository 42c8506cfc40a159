"""Which piece of its new settings a node gets."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outgoing import PIECE_BY_RADIO, SIZE_MAX, Outgoing
from wire import control

WHOLE = b'{"interval_s":300,"node":11}' * 9
DIGEST = hashlib.sha256(WHOLE).digest()[:4]


@pytest.fixture
def outgoing(tmp_path: Path) -> Outgoing:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "11.json").write_bytes(WHOLE)
    return Outgoing(tmp_path)


def test_a_node_with_other_settings_gets_the_beginning(outgoing: Outgoing) -> None:
    told = outgoing.piece(11, {control.CONFIG: b"abcd"}, "mqtt")
    assert told == [DIGEST, len(WHOLE), 0, WHOLE]
    told = outgoing.piece(11, {control.CONFIG: b"abcd", control.WANT: [DIGEST, 48]}, "lora")
    assert told == [DIGEST, len(WHOLE), 48, WHOLE[48 : 48 + PIECE_BY_RADIO]]


def test_a_node_that_has_them_gets_nothing(outgoing: Outgoing) -> None:
    assert outgoing.piece(11, {control.CONFIG: DIGEST}, "mqtt") is None
    assert outgoing.piece(12, {control.CONFIG: b"abcd"}, "mqtt") is None


@pytest.mark.parametrize("want", [[b"none", 5], [DIGEST, -1], [DIGEST, 10**6], [DIGEST, b"x"], [], 7])
def test_a_strange_wish_begins_anew(outgoing: Outgoing, want: object) -> None:
    told = outgoing.piece(11, {control.CONFIG: b"abcd", control.WANT: want}, "lora")  # type: ignore[dict-item]
    assert told is not None
    assert told[2] == 0


def test_what_no_node_would_take_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    for content in (b"", b"x" * (SIZE_MAX + 1)):
        (tmp_path / "settings" / "11.json").write_bytes(content)
        assert Outgoing(tmp_path).piece(11, {}, "mqtt") is None


@given(st.integers(0, len(WHOLE) - 1))
def test_pieces_join_to_the_whole(held: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "settings").mkdir()
        (Path(folder) / "settings" / "11.json").write_bytes(WHOLE)
        got = WHOLE[:held]
        while len(got) < len(WHOLE):
            piece = Outgoing(Path(folder)).piece(11, {control.WANT: [DIGEST, len(got)]}, "lora")
            assert piece is not None
            assert piece[2] == len(got)
            got += piece[3]  # type: ignore[operator]
        assert got == WHOLE
