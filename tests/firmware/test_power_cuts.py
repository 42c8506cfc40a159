"""Power cuts at the operations of a node's flash, and proof that these checks find what is wrong."""

import pytest

from tests.firmware.power_cuts import cut_power


@pytest.mark.parametrize("seed", [1, 2])
def test_a_cut_at_any_operation_costs_at_most_the_record_being_written(seed):
    found = cut_power(60, seed, share=0.5)
    assert found.failures == []
    assert found.cuts > 150
    assert found.records == 60


def test_a_counter_that_is_in_flash_too_late_is_found_out():
    assert any("reused" in text for text in cut_power(60, 3, broken="late").failures)


def test_a_counter_that_is_never_in_flash_is_found_out():
    with pytest.raises(AssertionError, match="used twice"):
        cut_power(60, 2, share=0.0, broken="counter")
