from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.energy.hours import total_wh
from gateway.energy.metering import Factor, Metered, PowerHour, Sample, metered, power_hours
from gateway.energy.registers import Event
from tests.gateway.energy.series import run

H = 3600
T0 = 1_000_000 * H


def hourly(*registers: int | None, late_s: int = 40) -> list[Sample]:
    """A register as a HAN port gives it: a little after each full hour."""
    return [(T0 + H * i + late_s, wh) for i, wh in enumerate(registers) if wh is not None]


def samples(from_s: int, to_s: int, watt: int) -> list[Sample]:
    return [(T0 + s, watt) for s in range(from_s, to_s + 1, 60)]


def power(from_s: int, to_s: int, watt: int) -> list[PowerHour]:
    return power_hours(samples(from_s, to_s, watt))


def hours(found: Metered) -> list[tuple[int, int, bool]]:
    return [((hour.start_s - T0) // H, hour.wh, hour.estimated) for hour in found.hours]


def test_hours_are_the_register_s_differences() -> None:
    found = metered(hourly(1000, 3000, 3000, 7500), [])
    assert found == Metered(run(T0, 2000, 0, 4500), [])


def test_a_clock_a_little_early_or_a_slow_node_changes_no_hour() -> None:
    for late_s in (-100, 0, 590, 3000):
        assert hours(metered(hourly(1000, 3000, 3500, late_s=late_s), [])) == [
            (0, 2000, False),
            (1, 500, False),
        ]


def test_duplicates_and_order_do_not_matter() -> None:
    registers = hourly(1000, 3000, 3500)
    shuffled = [registers[2], registers[0], registers[1], registers[1], (registers[1][0] + 5, 3000)]
    assert metered(shuffled, []) == metered(registers, [])


def test_a_gap_without_power_is_shared_out_evenly_and_estimated() -> None:
    found = metered(hourly(0, 100, None, None, 1100), [])
    assert hours(found) == [(0, 100, False), (1, 333, True), (2, 333, True), (3, 334, True)]


def test_a_gap_takes_the_shape_of_the_power_and_the_register_s_sum() -> None:
    # 1000 Wh in two hours; power says 300 and 600 Wh, so a tenth was missed: 333 and 667.
    found = metered(hourly(0, None, 1000), power_hours(samples(0, H, 300) + samples(H + 1, 2 * H, 600)))
    assert [wh for _, wh, _ in hours(found)] == [333, 667]
    assert all(estimated for *_, estimated in hours(found))


def test_power_alone_is_an_estimate() -> None:
    found = metered([], power(0, H, 1200))
    assert hours(found) == [(0, 1200, True)]
    # 55 of 60 minutes are nine tenths; 50 are not.
    assert hours(metered([], power(0, 55 * 60, 1200))) == [(0, 1200, True)]
    assert hours(metered([], power(0, 50 * 60, 1200))) == []


def test_nothing_is_assumed_across_a_gap_in_power() -> None:
    assert power_hours([(T0, 1000), (T0 + H, 1000)]) == []


def test_reset() -> None:
    found = metered(hourly(5_000_000, 5_001_000, 20, 520), [])
    assert hours(found) == [(0, 1000, False), (2, 500, False)]
    assert found.events == [(T0 + 2 * H, Event.RESET)]


def test_the_hour_of_a_reset_is_estimated_from_power() -> None:
    found = metered(hourly(5_000_000, 5_001_000, 20, 520), power(H, 2 * H, 900))
    assert hours(found) == [(0, 1000, False), (1, 900, True), (2, 500, False)]


def test_rollover_is_energy() -> None:
    found = metered(hourly(999_999_500, 700, 1000), [])
    assert hours(found) == [(0, 1200, False), (1, 300, False)]
    assert found.events == [(T0 + H, Event.ROLLOVER)]


def test_swap_with_another_factor() -> None:
    factors = [Factor(0, Fraction(30)), Factor(T0 + 2 * H + 600, Fraction(1))]
    # 10 Wh at 30 to 1, then the hours of the swap, then 400 Wh at 1 to 1.
    found = metered(hourly(100, 110, 120, 7_000_000, 7_000_400), power(2 * H + 660, 3 * H, 500), factors)
    assert hours(found) == [(0, 300, False), (1, 300, False), (3, 400, False)]
    assert found.events == [(T0 + 3 * H, Event.SWAP)]


def test_power_is_shared_out_at_the_full_hour() -> None:
    # 60 s at 1000 W across the hour, 20 s before it.
    assert power_hours([(T0 + H - 20, 1000), (T0 + H + 40, 1000)]) == [
        PowerHour(T0, 2 * 1000 * 20, 20),
        PowerHour(T0 + H, 2 * 1000 * 40, 40),
    ]


def test_the_hour_of_a_swap_is_not_estimated_from_power() -> None:
    factors = [Factor(0, Fraction(30)), Factor(T0 + H + 600)]
    found = metered([], power(0, 3 * H, 100), factors)
    assert hours(found) == [(0, 3000, True), (2, 100, True)]


def test_the_factor_holds_for_power_too() -> None:
    assert hours(metered([], power(0, H, 20), [Factor(0, Fraction(30))])) == [(0, 600, True)]


def test_a_crooked_factor_loses_no_watt_hour() -> None:
    registers = hourly(*range(0, 1001, 10))
    found = metered(registers, [], [Factor(0, Fraction("1.33"))])
    assert total_wh(found.hours) == 1330
    assert {hour.wh for hour in found.hours} == {13, 14}


def test_values_before_the_first_factor_are_not_used() -> None:
    assert hours(metered(hourly(0, 10, 20), [], [Factor(T0 + H)])) == [(1, 10, False)]


def test_a_register_read_at_any_moment() -> None:
    # 600 Wh every ten minutes, read five minutes past: the step across the hour is halved, and is estimated,
    # since more than five minutes lie between its ends.
    registers = [(T0 + s, 600 * (s // 600)) for s in range(300, 3 * H, 600)]
    found = metered(registers, [], pushed_hourly=False)
    assert hours(found) == [(1, 3600, True)]
    minutely = [(T0 + s, s // 6) for s in range(30, 3 * H, 60)]
    assert hours(metered(minutely, [], pushed_hourly=False)) == [(1, 600, False)]


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 2_000_000)), min_size=2, max_size=40),
    st.fractions(1, 200, max_denominator=100),
)
def test_the_sum_is_what_the_register_counted(used: list[int | None], factor: Fraction) -> None:
    shown, registers = 0, []
    for i, wh in enumerate(used):
        shown += wh or 0
        if wh is not None:
            registers.append((T0 + H * i + 30, shown))
    found = metered(registers, [], [Factor(0, factor)])
    counted = registers[-1][1] - registers[0][1] if registers else 0
    assert total_wh(found.hours) == int(counted * factor)
    assert all(hour.wh >= 0 for hour in found.hours)
    present = [wh is not None for wh in used]
    for hour in found.hours:
        i = (hour.start_s - T0) // H
        assert hour.estimated == (not (present[i] and present[i + 1]))


@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 1 << 40)), max_size=40),
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 10**6)), max_size=40),
    st.booleans(),
)
def test_whatever_comes_no_hour_is_negative_or_twice(
    registers: list[Sample], powers: list[Sample], pushed: bool
) -> None:
    found = metered(registers, power_hours(powers), pushed_hourly=pushed).hours
    starts = [hour.start_s for hour in found]
    assert starts == sorted(set(starts))
    assert all(hour.wh >= 0 and hour.start_s % H == 0 for hour in found)
