"""Which records go next, how many and how soon."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.pace import BatchSize, Pace, next_span
from gateway.heard import SequenceSet

SPANS = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda s: (s[0], s[0] + s[1])), max_size=6
)


def test_newest_first() -> None:
    assert next_span(SequenceSet(), (), 0, 10) is None
    assert next_span(SequenceSet(), (), 25, 10) == (16, 25)
    assert next_span(SequenceSet([(16, 25)]), (), 25, 10) == (6, 15)
    assert next_span(SequenceSet([(16, 25)]), (), 27, 10) == (26, 27)
    assert next_span(SequenceSet([(16, 25)]), [(26, 27)], 27, 10) == (6, 15)
    assert next_span(SequenceSet([(1, 27)]), (), 27, 10) is None


@given(SPANS, SPANS, st.integers(0, 60), st.integers(1, 10))
def test_a_span_is_new_and_whole(
    settled: list[tuple[int, int]], claimed: list[tuple[int, int]], last: int, limit: int
) -> None:
    taken = {n for first, end in [*settled, *claimed] for n in range(first, end + 1)}
    free = set(range(1, last + 1)) - taken
    before = SequenceSet(settled)
    span = next_span(before, claimed, last, limit)
    assert list(before) == list(SequenceSet(settled))
    if span is None:
        assert not free
    else:
        numbers = set(range(span[0], span[1] + 1))
        assert numbers <= free
        assert max(numbers) == max(free)
        assert len(numbers) <= limit


def test_back_off_doubles_to_its_limit_and_is_half_random() -> None:
    pace = Pace(base_s=1, most_s=60)
    assert [pace.backoff_s(n, None, jitter=1.0) for n in (1, 2, 3, 7, 5000)] == [1, 2, 4, 60, 60]
    assert pace.backoff_s(3, None, jitter=0.0) == 2


def test_back_off_never_undercuts_the_server() -> None:
    assert Pace().backoff_s(1, 120, jitter=0.0) == 120
    assert Pace().backoff_s(1, 120, jitter=0.5) == 126
    assert Pace().backoff_s(5, 0.0, jitter=1.0) == 16


def test_batch_size_halves_and_recovers() -> None:
    size = BatchSize(5000)
    size.halve(5000)
    size.halve(2500)
    assert size.now == 1250
    size.halve(100, least=250)
    assert size.now == 250
    size.halve(1)
    assert size.now == 1
    for _ in range(20 * 13):
        size.passed()
    assert size.now == 5000
