"""What happened between two values of a register, on both runtimes."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.han_registers import CONSUMED, IMPLAUSIBLE, RESET, ROLLOVER, SWAP, register_step


def steps(vectors):
    from drivers.han_registers import register_step

    return [
        list(register_step(previous, current, elapsed_s=elapsed_s, most_w=most_w, same_meter=same))
        for previous, current, elapsed_s, most_w, same in vectors
    ]


def test_golden(on_both):
    hour, connection = 3600, 50_000
    cases = [
        ((1_000_000, 1_012_000), [CONSUMED, 12_000]),
        ((1_000_000, 1_000_000), [CONSUMED, 0]),
        ((1_000_000, 1_055_010), [CONSUMED, 55_010]),
        ((1_000_000, 1_055_011), [IMPLAUSIBLE, None]),
        ((1_000_000, 12_000), [RESET, None]),
        ((1_000_000, 0), [RESET, None]),
        ((1_000_000, 999_990), [IMPLAUSIBLE, None]),  # backwards by one step is no reset
        ((1_000_000, 500_000), [IMPLAUSIBLE, None]),
        ((999_999_000, 11_000), [ROLLOVER, 12_000]),
        ((999_999_990, 20), [ROLLOVER, 30]),
        ((2**32 - 1000, 3000), [ROLLOVER, 4000]),
        ((10 * 2**32 - 10, 20), [ROLLOVER, 30]),
    ]
    vectors = [[previous, current, hour, connection, True] for (previous, current), _ in cases]
    assert on_both(steps, vectors) == [expected for _, expected in cases]
    assert on_both(steps, [[1_000_000, 1_012_000, hour, connection, False]]) == [[SWAP, None]]
    # A meter silent for a day may have counted a day's worth.
    assert on_both(steps, [[1_000_000, 2_200_000, 86_400, connection, True]]) == [[CONSUMED, 1_200_000]]


REGISTER = st.integers(0, 10 * 2**32 - 1)


@given(REGISTER, REGISTER, st.integers(0, 10**6), st.integers(0, 2 * 10**6))
def test_energy_is_never_negative_nor_more_than_the_connection_carries(previous, current, elapsed_s, most_w):
    event, energy = register_step(previous, current, elapsed_s=elapsed_s, most_w=most_w)
    assert (energy is None) == (event in (RESET, IMPLAUSIBLE))
    if energy is not None:
        assert 0 <= energy <= most_w * elapsed_s * 11 // 36000 + 10


@given(st.integers(0, 10**11), st.integers(0, 10_000))
def test_consumption_is_what_was_consumed(previous, energy):
    assert register_step(previous, previous + energy, elapsed_s=3600, most_w=10_000) == (CONSUMED, energy)
