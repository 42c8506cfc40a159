"""Days add up."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.heard import SequenceSet
from gateway.ledger import DAY_S, capture_of_days, capture_percent, days

NOON = 20_000 * DAY_S + DAY_S // 2


def test_a_gap_belongs_to_the_days_it_lies_in() -> None:
    hourly = [(7, n, NOON + 3600 * n) for n in range(72) if not 6 <= n < 40]
    losses = {(7, "overwritten"): SequenceSet([(6, 9)]), (8, "overwritten"): SequenceSet([(0, 99)])}
    first, second, third, fourth = days(hourly, losses).values()
    assert (first.heard, first.lost, first.missing, first.closes) == (6, {"overwritten": 4}, 2, False)
    assert (second.heard, second.missing, second.measured) == (0, 24, 24)
    assert (third.heard, third.missing) == (20, 4)
    assert (fourth.heard, fourth.measured, fourth.closes) == (12, 12, True)


@given(
    st.dictionaries(st.tuples(st.integers(1, 2), st.integers(0, 60)), st.integers(0, 5 * DAY_S), max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=4),
)
def test_every_sequence_is_in_one_day(
    records: dict[tuple[int, int], int], lost: list[tuple[int, int]]
) -> None:
    traces = [(epoch, seq, at_s) for (epoch, seq), at_s in records.items()]
    found = days(traces, {(1, "gone"): SequenceSet([(a, a + n) for a, n in lost])})
    expected = 0
    for epoch in (1, 2):
        seqs = [seq for e, seq in records if e == epoch]
        expected += max(seqs) - min(seqs) + 1 if seqs else 0
    assert sum(day.measured for day in found.values()) == expected
    assert sum(day.heard for day in found.values()) == len(records)
    assert list(found) == sorted(found)


def test_capture() -> None:
    assert capture_percent(144, 600) == 100
    assert capture_percent(137, 600) == 100 * 137 / 144
    assert capture_percent(150, 600) == 100
    assert capture_percent(6, 600, 3600) == 100


def test_capture_of_days_counts_those_without_a_record() -> None:
    assert capture_of_days({}, 600) is None
    assert capture_of_days({0: 144, 86_400: 72}, 600) == 75
    assert capture_of_days({0: 144, 3 * 86_400: 144}, 600) == 50
