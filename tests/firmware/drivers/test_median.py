"""The median and the spread of repeated measurements, on both runtimes."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.median import median, spread

VALUES = st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=25)


def evaluate(vectors):
    from drivers.median import median, spread

    return [[median(values), spread(values)] for values in vectors]


def test_golden(on_both):
    vectors = [[5], [1, 9], [3, 1, 2], [7, 7, 900, 7], [1, 2, 3, 4, 100], list(range(9)), [-5, -1, 2**40]]
    expected = [[5, 0], [1, 8], [2, 2], [7, 0], [3, 2], [4, 4], [-1, 2**40 + 5]]
    assert on_both(evaluate, vectors) == expected


@given(VALUES)
def test_median_was_measured_and_splits_the_values(values):
    middle = median(values)
    assert middle in values
    assert sum(value <= middle for value in values) * 2 >= len(values)
    assert sum(value >= middle for value in values) * 2 >= len(values)


@given(VALUES.filter(lambda values: len(values) >= 5), st.integers(-(2**60), 2**60))
def test_one_stray_moves_the_spread_no_further_than_the_others_are_apart(values, stray):
    spoilt = [*values[1:], stray]
    assert 0 <= spread(spoilt) <= max(values[1:]) - min(values[1:])
