"""The interval set against Python's own sets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.heard import ACK_RANGES, GAPS_MAX, SequenceSet
from gateway.model import Span

sequences = st.integers(0, 60)
spans = st.tuples(sequences, sequences).map(lambda s: (min(s), max(s)))


def members(intervals: list[Span]) -> set[int]:
    return {n for first, last in intervals for n in range(first, last + 1)}


class Mirrored(RuleBasedStateMachine):
    """Whatever is added and removed, the set is the set, and its changes are all that changed."""

    def __init__(self) -> None:
        super().__init__()
        self.ours = SequenceSet()
        self.model: set[int] = set()
        self.stored: dict[int, int] = {}

    @rule(span=spans)
    def add(self, span: Span) -> None:
        self.ours.add(*span)
        self.model |= members([span])

    @rule()
    def add_next(self) -> None:
        following = max(self.model, default=-1) + 1
        self.ours.add(following, following)
        self.model.add(following)

    @rule(span=spans)
    def remove(self, span: Span) -> None:
        self.ours.remove(*span)
        self.model -= members([span])

    @rule()
    def store(self) -> None:
        for first, last in self.ours.take_changes().items():
            if last is None:
                self.stored.pop(first, None)
            else:
                self.stored[first] = last
        assert sorted(self.stored.items()) == list(self.ours)

    @invariant()
    def is_the_same_set(self) -> None:
        intervals = list(self.ours)
        assert members(intervals) == self.model
        assert len(self.ours) == len(self.model)
        assert all(n in self.ours for n in self.model)
        assert all(after[0] > before[1] + 1 for before, after in pairwise(intervals))

    @invariant()
    def says_where_it_ends_and_what_is_missing(self) -> None:
        assert self.ours.upto == next(n for n in range(len(self.model) + 1) if n not in self.model)
        assert members(self.ours.gaps(5, 50)) == set(range(5, 51)) - self.model


TestMirrored = Mirrored.TestCase


@given(st.lists(spans), st.sets(sequences))
def test_recent_ranges_are_true_and_few(added: list[Span], touched: set[int]) -> None:
    heard = SequenceSet(added)
    chosen = heard.recent(touched)
    above = [span for span in heard if span[0] > 0]
    assert chosen == sorted(chosen)
    assert set(chosen) <= set(above)
    assert len(chosen) == min(len(above), ACK_RANGES)
    left_out = [span for span in above if span not in chosen]
    hit = [span for span in left_out if touched & members([span])]
    if hit:  # only for want of room, and newer ones were taken instead
        assert all(touched & members([span]) for span in chosen)
        assert max(hit) < min(chosen)


def test_a_node_that_fills_an_old_gap_hears_of_it() -> None:
    heard = SequenceSet([(10 * n, 10 * n + 5) for n in range(1, 20)])
    assert heard.recent() == [(160, 165), (170, 175), (180, 185), (190, 195)]
    assert heard.recent([12]) == [(10, 15), (170, 175), (180, 185), (190, 195)]


def test_what_is_below_upto_needs_no_range() -> None:
    heard = SequenceSet([(0, 9), (20, 29)])
    assert heard.upto == 10
    assert heard.recent([3, 25]) == [(20, 29)]


@pytest.mark.parametrize("span", [(-1, 3), (4, 3)])
def test_what_is_no_interval_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="no interval"):
        SequenceSet().add(*span)


def test_gaps_are_told_where_an_ack_can_not_hold_them() -> None:
    few = SequenceSet([(10 * i, 10 * i) for i in range(ACK_RANGES + 1)])
    assert few.upto == 1
    assert few.missing() == []
    many = SequenceSet([(10 * i, 10 * i + 4) for i in range(30)])
    gaps = many.missing(near=0)
    assert gaps == [(10 * i + 5, 10 * i + 9) for i in range(29 - GAPS_MAX, 29)]
    assert many.highest == 294
    assert SequenceSet().highest == -1


@given(st.sets(sequences, max_size=40), st.integers(0, 6))
def test_gaps_hold_all_that_lacks_above_the_first_told(members: set[int], near: int) -> None:
    ours = SequenceSet([(n, n) for n in members])
    gaps = ours.missing(most=3, near=near)
    assert len(gaps) <= 3
    if not gaps:
        return
    told = {n for first, last in gaps for n in range(first, last + 1)}
    lacking = {n for n in range(gaps[0][0], ours.highest) if n not in ours}
    assert lacking <= told
    for (_, last), (first, _) in pairwise(gaps):
        assert first - last - 1 > near
