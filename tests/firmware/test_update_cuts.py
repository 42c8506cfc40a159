"""Power cuts while updates are taken, and proof that these checks find what is wrong."""

import pytest

from tests.firmware.update_cuts import cut_updates


@pytest.mark.parametrize("seed", [1, 2])
def test_a_cut_at_any_operation_leaves_a_whole_program(seed):
    found = cut_updates(seed, share=0.2)
    assert found.failures == []
    assert found.cuts > 200


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("early", "is not whole"),  # on trial before it is unpacked
        ("inplace", "is not whole"),  # unpacked over the program in use
    ],
)
def test_wrong_firmware_is_found_out(broken, why):
    assert any(why in text for text in cut_updates(3, share=0.2, broken=broken).failures)
