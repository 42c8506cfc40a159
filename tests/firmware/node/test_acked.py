"""The acknowledgement arithmetic against plain sets."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from node import acked

RUN = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda r: (min(r), max(r)))
RUNS = st.lists(RUN, max_size=6)


def as_set(upto, runs):
    return set(range(upto)) | {n for first, last in runs for n in range(first, last + 1)}


@given(st.integers(0, 40), RUNS, st.integers(0, 40), RUNS)
def test_merge_is_the_union(upto, ranges, more_upto, more):
    merged_upto, merged = acked.merge(upto, ranges, more_upto, more, most=99)
    assert as_set(merged_upto, merged) == as_set(upto, ranges) | as_set(more_upto, more)
    edges = [n for first, last in merged for n in (first, last)]
    assert edges == sorted(edges)
    assert all(b[0] > a[1] + 1 for a, b in itertools.pairwise(merged))
    assert not merged or merged[0][0] > merged_upto


@given(st.integers(0, 40), RUNS, st.integers(0, 40), RUNS)
def test_merge_that_forgets_never_claims_more(upto, ranges, more_upto, more):
    few = as_set(*acked.merge(upto, ranges, more_upto, more, most=2))
    assert few <= as_set(upto, ranges) | as_set(more_upto, more)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), RUNS)
def test_pending_is_the_rest_newest_first(oldest, next_seq, upto, runs):
    upto, ranges = acked.merge(upto, runs, 0, [], most=99)
    runs = acked.pending(oldest, next_seq, upto, ranges)
    listed = [n for first, last in runs for n in range(last, first - 1, -1)]
    assert listed == sorted(listed, reverse=True)
    assert set(listed) == set(range(oldest, next_seq)) - as_set(upto, ranges)


@given(st.integers(0, 60), st.integers(0, 60), RUNS)
def test_lost_is_what_was_overwritten_unacknowledged(oldest, upto, runs):
    upto, ranges = acked.merge(upto, runs, 0, [], most=99)
    assert as_set(0, acked.lost(oldest, upto, ranges)) == set(range(oldest)) - as_set(upto, ranges)
