"""The replay window against a memory of everything."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.replay import SIZE, ReplayWindow


@given(st.lists(st.one_of(st.integers(0, 200), st.integers(0, (1 << 24) - 1)), max_size=200))
def test_nothing_is_taken_twice_and_nothing_recent_is_lost(counters: list[int]) -> None:
    window = ReplayWindow()
    taken: set[int] = set()
    for counter in counters:
        highest = max(taken, default=-1)
        expected = counter not in taken and counter > highest - SIZE
        assert window.admit(counter) == expected
        if expected:
            taken.add(counter)
        assert window.highest == max(taken, default=-1)
        assert 0 <= window.seen < 1 << SIZE


@given(st.lists(st.integers(0, 300), max_size=100), st.lists(st.integers(0, 300), max_size=100))
def test_it_goes_on_from_its_two_numbers(before: list[int], after: list[int]) -> None:
    window = ReplayWindow()
    for counter in before:
        window.admit(counter)
    restored = ReplayWindow(window.highest, window.seen)
    assert [restored.admit(counter) for counter in after] == [window.admit(counter) for counter in after]


def test_frames_may_overtake_one_another_by_sixty_three() -> None:
    window = ReplayWindow()
    assert window.admit(100)
    assert window.admit(37)
    assert not window.admit(36)
    assert not window.admit(100)
