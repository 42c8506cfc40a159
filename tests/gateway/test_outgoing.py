"""What of its new settings a node gets."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.changes import changes, digest
from gateway.outgoing import ASKS_MAX, SIZE_MAX, Outgoing
from wire import control

WHOLE = b'{"interval_s":300,"node":11}' * 9
OLD = WHOLE.replace(b"300", b"600")
DIGEST = hashlib.sha256(WHOLE).digest()[:4]


@pytest.fixture
def outgoing(tmp_path: Path) -> Outgoing:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "11.json").write_bytes(WHOLE)
    (tmp_path / "settings" / f"11.{digest(OLD).hex()}.json").write_bytes(OLD)
    return Outgoing(tmp_path)


def test_a_node_with_other_settings_gets_the_beginning(outgoing: Outgoing) -> None:
    told = outgoing.offer(11, {control.CONFIG: b"abcd"})
    assert told is not None
    assert (told.key, told.piece(600)) == (control.SETTINGS, [DIGEST, len(WHOLE), 0, WHOLE])
    told = outgoing.offer(11, {control.CONFIG: b"abcd", control.WANT: [DIGEST, 48]})
    assert told is not None
    assert told.piece(20) == [DIGEST, len(WHOLE), 48, WHOLE[48:68]]


def test_a_node_that_has_them_gets_nothing(outgoing: Outgoing) -> None:
    assert outgoing.offer(11, {control.CONFIG: DIGEST}) is None
    assert outgoing.offer(12, {control.CONFIG: b"abcd"}) is None


def test_a_node_that_takes_changes_and_reports_known_settings_gets_what_is_different(
    outgoing: Outgoing,
) -> None:
    made = changes(OLD, WHOLE)
    for _ in range(2):  # the second time they are remembered
        told = outgoing.offer(11, {control.CONFIG: digest(OLD), control.TAKES: 1})
        assert told is not None
        assert (told.key, told.content, told.offset) == (control.CHANGES, made, 0)
    told = outgoing.offer(
        11, {control.CONFIG: digest(OLD), control.TAKES: 1, control.WANT: [digest(made), 9]}
    )
    assert told is not None
    assert told.offset == 9
    for config, takes in ((digest(OLD), 0), (b"abcd", 1)):
        told = outgoing.offer(11, {control.CONFIG: config, control.TAKES: takes})
        assert told is not None
        assert told.key == control.SETTINGS


def test_a_kept_copy_that_is_not_what_its_name_says_is_not_built_on(
    outgoing: Outgoing, tmp_path: Path
) -> None:
    (tmp_path / "settings" / f"11.{digest(OLD).hex()}.json").write_bytes(b"{}")
    told = outgoing.offer(11, {control.CONFIG: digest(OLD), control.TAKES: 1})
    assert told is not None
    assert told.key == control.SETTINGS


def test_a_node_is_asked_some_times_for_each_settings(outgoing: Outgoing, tmp_path: Path) -> None:
    assert [outgoing.asks(11, digest(OLD).hex()) for _ in range(ASKS_MAX + 2)] == [True] * ASKS_MAX + [
        False
    ] * 2
    (tmp_path / "settings" / "11.json").write_bytes(WHOLE + b" ")
    assert outgoing.asks(11, digest(OLD).hex())
    assert not outgoing.asks(11, digest(WHOLE + b" ").hex())
    assert not outgoing.asks(11, None)
    assert not outgoing.asks(12, "abcd")


@pytest.mark.parametrize("want", [[b"none", 5], [DIGEST, -1], [DIGEST, 10**6], [DIGEST, b"x"], [], 7])
def test_a_strange_wish_begins_anew(outgoing: Outgoing, want: object) -> None:
    told = outgoing.offer(11, {control.CONFIG: b"abcd", control.WANT: want})  # type: ignore[dict-item]
    assert told is not None
    assert told.offset == 0


def test_what_no_node_would_take_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    for content in (b"", b"x" * (SIZE_MAX + 1)):
        (tmp_path / "settings" / "11.json").write_bytes(content)
        assert Outgoing(tmp_path).offer(11, {}) is None


@given(st.integers(0, len(WHOLE) - 1))
def test_pieces_join_to_the_whole(held: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "settings").mkdir()
        (Path(folder) / "settings" / "11.json").write_bytes(WHOLE)
        got = WHOLE[:held]
        while len(got) < len(WHOLE):
            offer = Outgoing(Path(folder)).offer(11, {control.WANT: [DIGEST, len(got)]})
            assert offer is not None
            piece = offer.piece(48)
            assert piece[2] == len(got)
            got += piece[3]  # type: ignore[operator]
        assert got == WHOLE
