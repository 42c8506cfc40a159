"""The interval set against Python's own sets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.heard import ACK_RANGES, SequenceSet
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
