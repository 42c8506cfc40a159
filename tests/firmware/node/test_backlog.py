"""The ring against a model, and what it makes of damage."""

import os
from binascii import crc32
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.backlog import PART, SKIP, Backlog, entries, pack_entry
from node.retained import Retained
from wire.quantities import FAULT, OK, OUT_OF_RANGE

CHANNELS = 3


def draw_epoch(n):
    return bytes(range(1, n + 1))


def ring(directory, segments=8, state=None):
    state = state or Retained()
    backlog = Backlog(state, CHANNELS, segments, directory=str(directory))
    if not state.epoch:
        backlog.recover(draw_epoch)
    return backlog, state


def fill(backlog, count, start=0):
    for i in range(start, start + count):
        backlog.append([(1000 + i, None, (i, -i, 7), (OK, OK, OK))])


def sequences(backlog, state):
    return [record.seq for record, _ in backlog.read(0, state.next_seq)]


VALUES = st.one_of(st.none(), st.integers(-(1 << 40) + 1, (1 << 40) - 1))
ROWS = st.tuples(
    st.one_of(st.integers(5000, 5100), st.integers(0, 0xFFFFFFFF)),
    st.one_of(st.none(), st.sampled_from((7, 8))),
    st.lists(VALUES, min_size=CHANNELS, max_size=CHANNELS),
    st.booleans(),  # written with those before it, and a cold boot after it
)


@settings(max_examples=60)
@given(rows=st.lists(ROWS, max_size=60))
def test_what_was_appended_is_read_back(rows, tmp_path_factory):
    directory = tmp_path_factory.mktemp("ring") / "log"
    backlog, state = ring(directory, segments=4)
    model = {}
    batch = []
    for time, clock, values, flush in rows:
        quality = tuple(FAULT if v is None else (OUT_OF_RANGE if v == 0 else OK) for v in values)
        batch.append((time, clock, tuple(values), quality))
        model[len(model)] = batch[-1]
        if flush:
            assert backlog.append(batch) == len(model) - 1
            batch = []
            backlog, state = ring(directory, segments=4)  # a cold boot
    if batch:
        backlog.append(batch)
    found = {r.seq: (r.time, clock, r.values, r.quality) for r, clock in backlog.read(0, 1 << 30)}
    assert found == {seq: row for seq, row in model.items() if seq >= state.oldest}


def batch(start, count=6):
    return [(1000 + 10 * i, None, (20000 + i, -i, 7), (OK, OK, OK)) for i in range(start, start + count)]


def test_a_batch_takes_less_room_and_any_of_it_can_be_read(tmp_path):
    backlog, state = ring(tmp_path / "log")
    for start in range(0, 60, 6):
        backlog.append(batch(start))
    taken = state.size
    for first in range(60):
        found = [(r.time, clock, r.values, r.quality) for r, clock in backlog.read(first, first + 4)]
        assert found == batch(first, min(5, 60 - first))
    single, alone = ring(tmp_path / "single")
    for row in batch(0, 60):
        single.append([row])
    assert taken - 16 < 0.6 * (alone.size - 16)


def test_a_program_on_trial_writes_what_the_one_before_it_can_read(tmp_path, monkeypatch):
    monkeypatch.setattr("node.backlog.slots.trial", True)
    backlog, state = ring(tmp_path / "log")
    backlog.append(batch(0))
    single, alone = ring(tmp_path / "single")
    for row in batch(0):
        single.append([row])
    assert last_segment(tmp_path / "log").read_bytes() == last_segment(tmp_path / "single").read_bytes()


def test_a_damaged_batch_reuses_no_sequence(tmp_path):
    state = Retained()
    large = Backlog(state, CHANNELS, 8, 4000, str(tmp_path / "log"))
    large.recover(draw_epoch)
    for start in range(0, 300, 6):
        large.append(batch(start))
    path = last_segment(tmp_path / "log")
    path.write_bytes(path.read_bytes()[:40])
    again = Retained()
    Backlog(again, CHANNELS, 8, 4000, str(tmp_path / "log")).recover(draw_epoch)
    assert again.next_seq >= 300


def test_the_ring_drops_its_oldest_segment(tmp_path):
    backlog, state = ring(tmp_path / "log", segments=3)
    fill(backlog, 400)
    held = sequences(backlog, state)
    assert held == list(range(state.oldest, 400))
    assert 100 < len(held) < 400
    assert len(os.listdir(tmp_path / "log")) == 4  # three segments and the epoch


def test_a_cold_boot_finds_everything_again(tmp_path):
    backlog, before = ring(tmp_path / "log")
    fill(backlog, 130)
    backlog, after = ring(tmp_path / "log")
    for field in ("epoch", "next_seq", "oldest", "segment", "size"):
        assert getattr(after, field) == getattr(before, field)
    fill(backlog, 5, start=130)
    assert sequences(backlog, after) == list(range(135))


def last_segment(directory: Path) -> Path:
    return max(p for p in directory.iterdir() if len(p.name) == 8)


def test_a_torn_tail_costs_the_record_and_reuses_no_sequence(tmp_path):
    backlog, state = ring(tmp_path / "log")
    fill(backlog, 10)
    path = last_segment(tmp_path / "log")
    path.write_bytes(path.read_bytes()[:-1])
    backlog, state = ring(tmp_path / "log")
    assert state.next_seq == 9 + SKIP
    fill(backlog, 1, start=90)
    assert sequences(backlog, state) == [*range(9), 9 + SKIP]


def test_a_flipped_bit_anywhere_in_a_segment_is_never_read_as_a_record(tmp_path):
    backlog, state = ring(tmp_path / "log")
    fill(backlog, 12)
    path = last_segment(tmp_path / "log")
    raw = path.read_bytes()
    sound = {r.seq: r for r, _ in backlog.read(0, 12)}
    for at in range(len(raw)):
        path.write_bytes(raw[:at] + bytes((raw[at] ^ 0x10,)) + raw[at + 1 :])
        for record, _ in backlog.read(0, 12):
            assert sound[record.seq] == record


def test_a_segment_that_is_only_a_damaged_head_is_not_written_to(tmp_path):
    backlog, state = ring(tmp_path / "log")
    fill(backlog, 1)
    path = last_segment(tmp_path / "log")
    path.write_bytes(bytes(16))
    backlog, state = ring(tmp_path / "log")
    fill(backlog, 1, start=90)
    assert sequences(backlog, state) == [SKIP]


class Piecewise:
    """A file that notes how much is asked of it at once."""

    most = 0

    def __init__(self, content):
        self._left = content

    def readinto(self, part):
        self.most = max(self.most, len(part))
        n = min(len(part), len(self._left))
        part[:n], self._left = self._left[:n], self._left[n:]
        return n


@settings(max_examples=60)
@given(bodies=st.lists(st.binary(min_size=6, max_size=127)), tail=st.binary(max_size=40))
def test_a_segment_is_read_in_parts(bodies, tail):
    content = b""
    for i, body in enumerate(bodies):
        check = crc32((7 + i).to_bytes(4, "little") + body) & 0xFFFF
        content += bytes((len(body),)) + body + check.to_bytes(2, "little")
    f = Piecewise(content + tail)
    found = list(entries(f, 7))[: len(bodies)]
    assert [(seq, on, bytes(body)) for seq, on, body in found] == [
        (7 + i, False, b) for i, b in enumerate(bodies)
    ]
    assert f.most <= PART


@pytest.mark.parametrize("damage", ["missing", "short", "flipped"])
@pytest.mark.parametrize("heads", ["sound", "one damaged"])
def test_an_epoch_that_is_lost_is_found_in_the_segments(tmp_path, damage, heads):
    backlog, before = ring(tmp_path / "log")
    fill(backlog, 130)
    path = tmp_path / "log" / "epoch"
    raw = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(raw[:-1] if damage == "short" else raw[:-1] + bytes((raw[-1] ^ 1,)))
    if heads == "one damaged":
        newest = last_segment(tmp_path / "log")
        newest.write_bytes(b"x" + newest.read_bytes()[1:])
    again, after = ring(tmp_path / "log")
    assert after.epoch == before.epoch
    assert after.next_seq >= before.next_seq
    assert sequences(again, after)[:60] == list(range(60))
    assert path.read_bytes() == raw


def test_a_ring_without_a_sound_epoch_or_segment_begins_a_new_one(tmp_path):
    backlog, before = ring(tmp_path / "log")
    fill(backlog, 3)
    (tmp_path / "log" / "epoch").write_bytes(b"")
    last_segment(tmp_path / "log").write_bytes(bytes(300))
    state = Retained()
    Backlog(state, CHANNELS, 8, directory=str(tmp_path / "log")).recover(lambda n: b"\x09" * n)
    assert state.epoch == 0x09090909 != before.epoch
    assert state.next_seq == 0
    assert [p.name for p in (tmp_path / "log").iterdir()] == ["epoch"]


def test_a_strange_file_beside_the_segments_is_no_matter(tmp_path):
    backlog, before = ring(tmp_path / "log")
    fill(backlog, 3)
    (tmp_path / "log" / "lost+fou").write_bytes(b"")
    again, state = ring(tmp_path / "log")
    assert sequences(again, state) == [0, 1, 2]


def test_writes_that_fail_cost_one_segment_however_often(tmp_path, monkeypatch):
    backlog, state = ring(tmp_path / "log", segments=4)
    fill(backlog, 400)
    oldest = sequences(backlog, state)[0]
    size = state.size = 1000  # the next one begins a segment
    real = open

    def worn_out(path, mode="r"):
        if mode != "wb":
            return real(path, mode)
        real(path, mode).close()  # littlefs has made the file by then
        raise OSError(5)

    monkeypatch.setattr("builtins.open", worn_out)
    for _ in range(10):
        with pytest.raises(OSError, match="5"):
            fill(backlog, 1, start=400)
    monkeypatch.undo()
    assert sequences(backlog, state)[0] <= oldest + size // 14
    fill(backlog, 1, start=400)
    assert sequences(backlog, state)[-1] == 400


def test_a_write_that_failed_leaves_nothing_that_is_read_twice(tmp_path, monkeypatch):
    backlog, state = ring(tmp_path / "log")
    fill(backlog, 10)

    def full(*args):
        raise OSError(28)

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(OSError, match="28"):
        fill(backlog, 1, start=10)
    monkeypatch.undo()
    path = last_segment(tmp_path / "log")
    path.write_bytes(path.read_bytes() + pack_entry(10, (5, None, (1, 2, 3), (OK, OK, OK))))  # half done
    fill(backlog, 2, start=10)
    assert [(r.seq, r.values[0]) for r, _ in backlog.read(8, 99)] == [(8, 8), (9, 9), (10, 10), (11, 11)]
