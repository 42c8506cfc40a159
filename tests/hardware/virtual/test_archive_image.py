"""The independent reader of the archive, on bytes put together by hand."""

import zlib

import pytest

from hardware.virtual.archive_image import ArchivedHour, read_archive

HEAD = b"SNa1" + bytes((31, 0, 3, 2, 2, 12))
START = 1_767_225_600


def entry(number: int, place: int, body: bytes) -> bytes:
    check = zlib.crc32(number.to_bytes(4, "little") + place.to_bytes(2, "little") + body) & 0xFFFF
    return bytes((len(body),)) + body + check.to_bytes(2, "little")


def segment(number: int, *bodies: bytes) -> bytes:
    content = HEAD + zlib.crc32(HEAD).to_bytes(4, "little")
    for body in bodies:
        content += entry(number, len(content), body)
    return content


# Whole time, mark, both registers: 1000 and 5; then an hour later the first, 10 more.
FIRST = bytes((0b1111, 0)) + START.to_bytes(4, "little") + b"mark" + bytes((0xD0, 0x0F, 10))
SECOND = bytes((0b100, 0x90, 0x1C, 20))
HOURS = [
    ArchivedHour(31, 3, START, 0, b"mark", {2: 1000, 12: 5}),
    ArchivedHour(31, 3, START + 3600, 0, b"mark", {2: 1010}),
]


def test_hours_by_hand() -> None:
    tree = {"archive/00000007": segment(7, FIRST, SECOND), "archive/events": b"?", "log/00000000": b"?"}
    assert read_archive(tree) == HOURS


@pytest.mark.parametrize("place", [0, 5, 11, 14, 20, 30])
def test_from_a_damage_on_nothing_of_that_segment_counts(place: int) -> None:
    whole = segment(8, FIRST, SECOND)
    damaged = whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :]
    found = read_archive({"archive/00000007": segment(7, FIRST), "archive/00000008": damaged})
    assert found[:1] == HOURS[:1]
    assert len(found) == (2 if place >= 30 else 1)


@pytest.mark.parametrize("size", range(0, 45, 3))
def test_what_is_cut_off_is_no_hour(size: int) -> None:
    whole = segment(7, FIRST, SECOND)
    found = read_archive({"archive/00000007": whole[:size]})
    assert found == HOURS[: len(found)]
    assert len(found) == (2 if size >= len(whole) else 1 if size >= 30 else 0)
