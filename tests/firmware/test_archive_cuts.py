"""Power cuts at every operation of an archive's flash, and proof that these checks find what is wrong."""

import pytest

from tests.firmware.archive_cuts import cut_power


def test_a_cut_at_any_operation_costs_at_most_the_hour_being_written():
    found = cut_power(100)
    assert found.failures == []
    assert found.cuts == 2 * found.operations > 300


@pytest.mark.parametrize(("broken", "what"), [("end", "missing"), ("events", "events are missing")])
def test_what_is_wrong_is_found_out(broken, what):
    failures = cut_power(60, broken).failures
    assert failures
    assert any(what in text for text in failures)
