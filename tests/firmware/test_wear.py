"""What a profile does to its flash, over a day or two; months of it: `./run bench node`."""

import pytest

from device_configs.compile import node_settings
from device_configs.loader import SITES, load_site
from tests.firmware.wear import wear

SITE = load_site(SITES / "narvik-demo")


@pytest.mark.parametrize(("node", "interval_s", "count"), [(21, 600, 300), (11, 600, 300), (31, 10, 300)])
def test_each_profile_lives_ten_years_on_its_flash(node, interval_s, count):
    found = wear(node_settings(SITE, SITE.node(node), host="nowhere", interval_s=interval_s), count)
    assert found.records == count * (6 if node == 31 else 1)
    assert found.even_years > 50
    assert found.erases < 3 * count  # of 512 blocks
    assert found.bytes_written / found.records < 1500
