"""Which of two carriers a node uses: over, back with patience, and never stuck with a dead one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.choice import AFTER, RETURNS, WAIT, Choice


def talk(choice, answers, urgent=False):
    """One conversation; `answers` has what each of the two carriers comes to. Returns (used, switched)."""
    used = choice.pick(urgent)
    return used, choice.told(used, answers[used])


def test_it_stays_with_a_first_carrier_that_is_answered():
    choice = Choice()
    assert [talk(choice, (True, False)) for _ in range(50)] == [(0, False)] * 50
    for _ in range(9):
        assert [talk(choice, (False, True)) for _ in range(AFTER - 1)] == [(0, False)] * (AFTER - 1)
        assert talk(choice, (True, True)) == (0, False)
    assert [talk(choice, (None, None)) for _ in range(99)] == [(0, False)] * 99


def test_it_goes_over_and_tries_the_first_less_and_less_often():
    choice = Choice()
    done = [talk(choice, (False, True)) for _ in range(2000)]
    assert [n for n, (_, switched) in enumerate(done) if switched] == [AFTER - 1]
    tries = [n for n, (used, _) in enumerate(done) if not used and n >= AFTER]
    gaps = [b - a - 1 for a, b in pairwise(tries)]
    assert gaps[:5] == [12, 24, 48, 96, 144]
    assert set(gaps[5:]) == {WAIT[1]}


def test_it_comes_back_after_some_answered_tries_and_not_after_one():
    choice = Choice()
    while not choice.other:
        talk(choice, (False, True))
    while choice.pick():
        talk(choice, (False, True))
    assert talk(choice, (True, True)) == (0, False)
    assert talk(choice, (False, True)) == (0, False)  # it came and went
    assert talk(choice, (True, True))[0] == 1
    done = [talk(choice, (True, True)) for _ in range(2 * WAIT[0] - 1 + RETURNS)]
    assert [switched for _, switched in done].count(True) == 1
    assert done[-1] == (0, True)
    assert choice.other == 0


def test_what_is_urgent_is_no_time_for_a_try():
    choice = Choice()
    while not choice.other:
        talk(choice, (False, True))
    assert [talk(choice, (False, True), urgent=True)[0] for _ in range(30)] == [1] * 30
    assert choice.pick() == 0


def test_a_radio_that_asks_only_now_and_then_is_judged_by_its_questions():
    choice = Choice()
    while not choice.other:
        talk(choice, (False, True))
    done = [talk(choice, (False, (None, None, False)[n % 3])) for n in range(60)]
    assert any(switched for used, switched in done if used)


ANSWER = st.sampled_from([True, False, None])


@given(st.lists(st.tuples(ANSWER, ANSWER, st.booleans()), max_size=400))
def test_its_memory_is_all_it_needs(steps):
    choice, other = Choice(), Choice()
    for first, second, urgent in steps:
        assert talk(choice, (first, second), urgent) == talk(other, (first, second), urgent)
        other = Choice(other.pack())


@given(st.lists(st.tuples(ANSWER, ANSWER), max_size=200), st.sampled_from([0, 1]))
def test_whichever_works_is_in_use_before_long(before, works):
    choice = Choice()
    for answers in before:
        talk(choice, answers)
    for _ in range(400):
        talk(choice, (works == 0, works == 1))
    assert choice.other == works
    assert Choice(b"damaged").other == 0
