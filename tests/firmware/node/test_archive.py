"""The archive of a meter's registers against an independent reader: starts, damage, a whole year."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_configs.compile import archive_segments
from hardware.virtual.archive_image import read_archive
from node.archive import SEGMENT_BYTES, Archive
from wire.quantities import FAULT, MISSING, OK

POSITIONS = (0, 2, 3)
START = 1_767_225_600
HOUR = 3600


def opened(directory, segments=5):
    archive = Archive(31, 3, POSITIONS, segments, directory=str(directory))
    archive.recover()
    return archive


def tree(directory):
    return {f"archive/{file.name}": file.read_bytes() for file in Path(directory).iterdir()}


def row(time, values, clock=None):
    return time, clock, tuple(values), tuple(MISSING if value is None else OK for value in values)


REGISTER = st.one_of(st.none(), st.integers(0, (1 << 40) - 1))
HOURS = st.tuples(
    st.integers(1, 40),  # hours that passed
    st.one_of(st.none(), st.integers(1, 255)),
    st.lists(REGISTER, min_size=4, max_size=4),
    st.sampled_from([None, b"aaaa", b"bbbb"]),
    st.booleans(),  # a start before it
)


@settings(max_examples=60)
@given(hours=st.lists(HOURS, max_size=120))
def test_what_was_written_is_read_by_the_independent_reader(hours, tmp_path_factory):
    directory = tmp_path_factory.mktemp("node") / "archive"
    archive = opened(directory)
    expected, known, mark, time = [], {}, None, START
    for passed, clock, values, meter, start in hours:
        if start:
            archive = opened(directory)
            assert (archive.known, archive.mark) == (known, mark)
        time += passed * HOUR
        archive.append([row(time, values, clock)], meter)
        there = {i: values[i] for i in POSITIONS if values[i] is not None}
        if there:
            mark, known = meter or mark, {**known, **there}
            expected.append((time, clock or 0, mark, there))
    found = [(h.time_s, h.clock, h.mark, dict(h.registers)) for h in read_archive(tree(directory))]
    assert found == expected
    assert all((h.node, h.schema) == (31, 3) for h in read_archive(tree(directory)))


def test_one_entry_an_hour_the_first_that_came(tmp_path):
    archive = opened(tmp_path / "a")
    archive.append([row(START + 60 * i, [1000 + i, None, 5, None]) for i in range(-3, 130)])
    found = read_archive(tree(tmp_path / "a"))
    # Two minutes before the hour count as the hour: a meter's clock may be early.
    assert [h.time_s - START for h in found] == [-180, -120, HOUR - 120, 2 * HOUR - 120]
    archive = opened(tmp_path / "a")
    archive.append([row(START + 60 * 130, [1200, None, 5, None])])
    assert len(read_archive(tree(tmp_path / "a"))) == 4


def test_what_is_no_value_is_left_out(tmp_path):
    archive = opened(tmp_path / "a")
    archive.append([(START, None, (1, 2, None, 3), (FAULT, OK, OK, OK))])
    archive.append([(START + HOUR, None, (None, 7, None, None), (MISSING, OK, MISSING, MISSING))])
    assert [dict(h.registers) for h in read_archive(tree(tmp_path / "a"))] == [{3: 3}]


def test_a_year_fits_the_segments_and_no_more_is_kept(tmp_path):
    """A large building: 900 kWh in the busiest hour, reactive energy besides."""
    segments = archive_segments(3)
    archive = opened(tmp_path / "a", segments)
    values = [3 * 10**10, 0, 0, 10**9]
    for n in range(2 * 366 * 24):
        values = [values[0] + 900_000 - n % 24 * 30_000, 0, values[2] + n % 3, values[3] + 90_000]
        archive.append([row(START + n * HOUR + n % 5, values)], b"mark")
    found = read_archive(tree(tmp_path / "a"))
    assert 366 * 24 <= len(found) < 1.3 * 366 * 24
    assert found[-1].time_s == START + n * HOUR + n % 5
    assert len(os.listdir(tmp_path / "a")) == segments
    assert max(file.stat().st_size for file in (tmp_path / "a").iterdir()) <= SEGMENT_BYTES
    assert all(h.mark == b"mark" for h in found)


@pytest.mark.parametrize("size", [1, 10, 14, 200, 400, 811])
def test_a_damaged_segment_costs_no_other(tmp_path, size):
    archive = opened(tmp_path / "a")
    for n in range(600):
        archive.append([row(START + n * HOUR, [100 * n, None, n, n])])
    names = sorted(os.listdir(tmp_path / "a"))
    assert len(names) > 1
    newest = tmp_path / "a" / names[-1]
    newest.write_bytes(newest.read_bytes()[:size])
    before = len(read_archive(tree(tmp_path / "a")))
    archive = opened(tmp_path / "a")
    assert archive.known.keys() == {0, 2, 3}
    archive.append([row(START + 600 * HOUR, [1, None, 2, 3])])
    found = read_archive(tree(tmp_path / "a"))
    assert len(found) == before + 1
    assert found[-1].registers == {0: 1, 2: 2, 3: 3}


def test_other_channels_begin_another_segment(tmp_path):
    opened(tmp_path / "a").append([row(START, [1, None, 2, 3])])
    other = Archive(31, 4, (1,), 5, directory=str(tmp_path / "a"))
    other.recover()
    assert other.known == {}
    other.append([row(START + HOUR, [1, 8, 2, 3])])
    assert [(h.schema, dict(h.registers)) for h in read_archive(tree(tmp_path / "a"))] == [
        (3, {0: 1, 2: 2, 3: 3}),
        (4, {1: 8}),
    ]


def test_flash_that_refuses_costs_that_hour_only(tmp_path):
    archive = opened(tmp_path / "a")
    archive.append([row(START, [1, None, 2, 3])])
    good, archive._dir = archive._dir, str(tmp_path / "gone")
    with pytest.raises(OSError, match="gone"):
        archive.append([row(START + HOUR, [5, None, 2, 3])])
    archive._dir = good
    archive.append([row(START + HOUR + 60, [6, None, 2, 3])])
    assert [h.registers[0] for h in read_archive(tree(tmp_path / "a"))] == [1, 6]


def test_flash_that_refuses_for_long_costs_one_segment(tmp_path, monkeypatch):
    archive = opened(tmp_path / "a", segments=5)
    for n in range(6):
        archive._size = SEGMENT_BYTES  # so that the next entry begins a segment
        archive.append([row(START + n * HOUR, [n, None, n, n])])
    archive._size = SEGMENT_BYTES
    before = sorted(os.listdir(tmp_path / "a"))
    real = open

    def worn_out(path, mode="r"):
        real(path, mode).close()  # littlefs has made the file by then
        raise OSError(5)

    monkeypatch.setattr("builtins.open", worn_out)
    for k in range(10):
        with pytest.raises(OSError, match="5"):
            archive.append([row(START + (6 + k) * HOUR, [6 + k, None, 1, 1])])
    monkeypatch.undo()
    assert len(set(before) - set(os.listdir(tmp_path / "a"))) == 1
