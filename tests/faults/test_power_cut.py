"""The disk after a cut: what was synced, and any part of what was not."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.power_cut import SECTOR, Disk, positions

A = "/disk/a"


def test_what_was_synced_is_there_and_the_rest_may_be() -> None:
    disk = Disk()
    disk.feed(("write", A, 0, b"1" * 1000))
    disk.feed(("sync", A))
    disk.feed(("write", A, 1000, b"2" * 1000))
    disk.feed(("acknowledged", [1, 2]))
    seen = {disk.cut(random.Random(seed))[A] for seed in range(60)}
    assert all(content.startswith(b"1" * 1000) for content in seen)
    assert {b"1" * 1000, b"1" * 1000 + b"2" * 1000} < seen  # dropped, kept, and torn ones besides


def test_later_writes_may_be_there_without_earlier_ones() -> None:
    disk = Disk()
    disk.feed(("write", A, 0, b"1"))
    disk.feed(("write", A, SECTOR, b"2"))
    assert any(
        cut.get(A, b"").strip(b"\0") == b"2" for cut in (disk.cut(random.Random(n)) for n in range(60))
    )


def test_a_removal_lasts_once_its_folder_is_synced() -> None:
    disk = Disk()
    disk.feed(("write", A, 0, b"1"))
    disk.feed(("sync", A))
    disk.feed(("unlink", A))
    assert {A in disk.cut(random.Random(n)) for n in range(60)} == {True, False}
    disk.feed(("sync", "/disk"))
    assert not any(disk.cut(random.Random(n)) for n in range(60))


@given(st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=1500)), max_size=8))
def test_synced_to_the_end_nothing_is_open(writes: list[tuple[int, bytes]]) -> None:
    disk, expected = Disk(), bytearray()
    for offset, data in writes:
        disk.feed(("write", A, offset, data))
        expected.extend(bytes(max(0, offset + len(data) - len(expected))))
        expected[offset : offset + len(data)] = data
    disk.feed(("truncate", A, 1000))
    disk.feed(("sync", A))
    whole = bytes(expected[:1000]).ljust(1000, b"\0")
    assert all(disk.cut(random.Random(n)) == {A: whole} for n in range(3))


def test_positions_ascend() -> None:
    found = positions([("end",)] * 50, 200, random.Random(1))
    assert found == sorted(found)
    assert {found[0], found[-1]} == {1, 50}
