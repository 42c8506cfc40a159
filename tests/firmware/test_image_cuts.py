"""Power cuts while full images are taken, and proof that these checks find what is wrong."""

import pytest

from tests.firmware.image_cuts import cut_images


def test_a_cut_at_any_operation_leaves_an_image_that_starts():
    found = cut_images(1, share=0.2)
    assert found.failures == []
    assert found.cuts > 60


@pytest.mark.parametrize(
    "broken",
    [
        "running",  # written over the image that runs
        "unmarked",  # never called valid: the bootloader takes it back
        "early",  # started before it is there
    ],
)
def test_wrong_firmware_is_found_out(broken):
    try:
        assert cut_images(3, share=0.1, broken=broken).failures
    except AssertionError as error:  # not even the updates without a cut come to their end
        assert "seed 3" in str(error)
