"""Columns and records say the same, whichever part of a stretch is looked at."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import StoredRecord
from gateway.store.stretch import Stretch, stretches_of

BASE = StoredRecord(1, 11, 7, 0, 1000, 5, 1_002_000, 1, (4, None), (0, 1), "mqtt", -70, 9.25, False)


def checked(stretch: Stretch) -> list[int]:
    """Return the commits, after a look at whether each record is the same by columns and as a whole."""
    for i in range(len(stretch)):
        values = tuple(column[i] for column in stretch.values)
        marks = tuple(column[i] for column in stretch.quality)
        own = stretch.commits[i], stretch.seqs[i], stretch.seconds[i], values, marks
        r = stretch.record(i)
        assert own == (r.commit, r.seq, r.measured_at_s, r.values, r.quality)
        assert (stretch.node, stretch.epoch, stretch.schema_id) == (r.node, r.epoch, r.schema_id)
    return list(stretch.commits)


@given(
    st.lists(st.tuples(st.integers(11, 13), st.none() | st.integers(), st.integers(0, 9)), max_size=30),
    st.randoms(),
    st.integers(0, 32),
    st.integers(0, 32),
)
def test_every_part_holds_its_records(
    drawn: list[tuple[int, int | None, int]], chance: Random, first: int, last: int
) -> None:
    records = [
        replace(
            BASE, commit=i, node=node, seq=i * 3, measured_at_s=i * 600, values=(value, i), quality=(mark, 0)
        )
        for i, (node, value, mark) in enumerate(drawn, 1)
    ]
    chance.shuffle(records)
    stretches = stretches_of(records)
    assert sorted(commit for s in stretches for commit in checked(s)) == list(range(1, len(records) + 1))
    parts = [part for s in stretches if (part := s.between(first, last)) is not None]
    inside = [n for n in range(1, len(records) + 1) if first <= n <= last]
    assert sorted(commit for part in parts for commit in checked(part)) == inside
    for part in parts:
        assert [checked(part.at(i)) for i in range(len(part))] == [[commit] for commit in part.commits]


def test_what_cannot_be_side_by_side_is_not() -> None:
    others = [
        BASE, replace(BASE, epoch=8), replace(BASE, schema_id=2), replace(BASE, values=(1,)),
        replace(BASE, quality=(0, 0, 0)), replace(BASE, values=(), quality=()),
    ]  # fmt: skip
    assert [[s.record(0)] for s in stretches_of(others)] == [[record] for record in others]
