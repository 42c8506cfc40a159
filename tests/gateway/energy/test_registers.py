import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import han_registers as node
from gateway.energy.registers import Event, Step, Value, judge, steps

MOST_W = 100_000


def judged(*values: int, most_w: int = MOST_W) -> list[tuple[int | None, str | None]]:
    found = steps([Value(3600 * i, wh) for i, wh in enumerate(values)], most_w)
    return [(step.wh, step.event and step.event.value) for step in found]


def test_consumption() -> None:
    assert judged(1000, 1000, 5200) == [(0, None), (4200, None)]


@pytest.mark.parametrize("modulus", [10**9, 10**10, 10**11, 10**12, 1 << 32, 10 << 32])
def test_rollover(modulus: int) -> None:
    assert judged(modulus - 700, 300, 500) == [(1000, "rollover"), (200, None)]


def test_reset() -> None:
    assert judged(5_000_000, 40, 90) == [(None, "reset"), (50, None)]


def test_a_swap_nobody_noted() -> None:
    assert judged(5_000_000, 77_000_000, 77_000_100) == [(None, "jump"), (100, None)]
    assert judged(77_000_000, 5_000_000, 5_000_100) == [(None, "jump"), (100, None)]


def test_a_noted_swap_gives_no_difference_even_where_it_would_fit() -> None:
    values = [Value(0, 1000), Value(3600, 1500, meter=1), Value(7200, 1700, meter=1)]
    assert list(steps(values, MOST_W)) == [
        Step(0, 3600, None, Event.SWAP, 1),
        Step(3600, 7200, 200, None, 1),
    ]


@pytest.mark.parametrize("false", [0, 3, 900_000_000, 1000])
def test_a_false_value_costs_no_energy(false: int) -> None:
    assert judged(5_000_000, false, 5_002_000) == [(None, "false value"), (2000, None)]
    assert judged(5_000_000, false, false, 5_002_000) == [(None, "false value")] * 2 + [(2000, None)]


def test_a_reset_is_not_taken_for_a_false_value() -> None:
    assert judged(5_000_000, 0, 0, 0, 12) == [(None, "reset"), (0, None), (0, None), (12, None)]


def test_duplicates() -> None:
    values = [Value(0, 10), Value(0, 10), Value(3600, 30), Value(3600, 31), Value(7200, 50)]
    assert [(s.wh, s.event) for s in steps(values, MOST_W)] == [
        (20, None),
        (None, Event.CONFLICT),
        (20, None),
    ]


def test_the_last_value_may_be_odd() -> None:
    assert judged(5_000_000, 900_000_000) == [(None, "jump")]
    assert judged() == []


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(1, 10**6))
def test_energy_is_never_negative_or_beyond_the_connection(before: int, after: int, seconds: int) -> None:
    step = judge(Value(0, before), Value(seconds, after), MOST_W)
    if step.wh is None:
        assert step.event is not None
    else:
        assert 0 <= step.wh <= MOST_W * seconds * 11 // 36000 + 10


@given(st.lists(st.integers(0, 1 << 34), max_size=12))
def test_what_is_counted_never_exceeds_the_connection(values: list[int]) -> None:
    found = list(steps([Value(3600 * i, wh) for i, wh in enumerate(values)], MOST_W))
    for step in found:
        assert step.wh is None or 0 <= step.wh <= MOST_W * (step.to_s - step.from_s) * 11 // 36000 + 10


def test_the_node_judges_by_the_same_rules() -> None:
    """What both know of: the gateway has a look ahead on top."""
    named = {node.CONSUMED: None, node.RESET: Event.RESET, node.ROLLOVER: Event.ROLLOVER}
    for before in (0, 5, 10**6, 10**9 - 5, 10**10 - 1, (1 << 32) - 9, 10**12 - 1):
        for after in (0, 5, 30, 10**6, 10**6 + 5000, 10**9 + 3, 10**10 + 7, 1 << 32):
            event, wh = node.register_step(before, after, elapsed_s=3600, most_w=MOST_W)
            step = judge(Value(0, before), Value(3600, after), MOST_W)
            assert (step.wh, step.event) == (wh, named.get(event, Event.JUMP))
