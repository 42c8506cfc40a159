"""The battery's levels: falls count at once, rises need proof."""

from hypothesis import given
from hypothesis import strategies as st

from node import power
from node.power import LOW, NORMAL, STOP

LIMITS = {"stop_mv": 2900, "low_mv": 3100, "recover_mv": 3300}


def test_each_step_has_its_own_voltage():
    assert power.level(NORMAL, 3100, LIMITS) == NORMAL
    assert power.level(NORMAL, 3099, LIMITS) == LOW
    assert power.level(NORMAL, 2899, LIMITS) == STOP
    assert power.level(LOW, 3299, LIMITS, loaded=True) == LOW
    assert power.level(LOW, 3300, LIMITS, loaded=True) == NORMAL
    assert power.level(LOW, 3600, LIMITS) == LOW  # at rest a weak cell looks well
    assert power.level(STOP, 3099, LIMITS, loaded=True) == STOP
    assert power.level(STOP, 3100, LIMITS) == LOW


def test_a_voltage_that_can_not_be_read_changes_nothing():
    assert [power.level(level, None, LIMITS) for level in (NORMAL, LOW, STOP)] == [NORMAL, LOW, STOP]
    assert power.may_start(None, LIMITS)


def test_a_node_without_memory_needs_a_battery_that_recovered():
    assert not power.may_start(3099, LIMITS)
    assert power.may_start(3100, LIMITS)


@given(st.lists(st.tuples(st.integers(2500, 3700), st.booleans()), max_size=50))
def test_it_never_does_more_than_the_voltage_allows(readings):
    level = NORMAL
    for mv, loaded in readings:
        before, level = level, power.level(level, mv, LIMITS, loaded)
        assert level == STOP or mv >= LIMITS["stop_mv"]
        assert level != NORMAL or mv >= LIMITS["low_mv"]
        if before != NORMAL and level == NORMAL:
            assert loaded
            assert mv >= LIMITS["recover_mv"]


class Hardware:
    def adc(self, bus):
        return self

    def read_uv(self):
        raise ValueError("a driver may fail as it likes")


def test_a_node_without_a_battery_or_with_a_broken_reading_starts_all_the_same():
    assert power.Supply(Hardware(), [{"driver": "han"}]).look_mv() is None
    channel = {"driver": "battery", "bus": {"pin": 1, "divider_permille": 2000}}
    assert power.Supply(Hardware(), [channel]).look_mv() is None
