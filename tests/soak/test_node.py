"""A short stretch of the node's soak, and proof that its comparison finds what is missing."""

import random
from pathlib import Path

import pytest

from tests.firmware.lab import Lab
from tests.soak.node import NODES, Trouble, compare, run, settle
from tests.soak.tally import Tally

pytestmark = [pytest.mark.servers]


async def test_trouble_of_each_kind_costs_no_record(tmp_path: Path) -> None:
    lab = Lab(tmp_path, NODES["snow"])
    trouble = Trouble(lab, random.Random(3))
    await lab.start()
    try:
        await lab.board.power_on()
        await lab.wakes(3)
        for kind in trouble._kinds:
            await kind()
        await settle(lab)
        assert compare(lab) > 20
        gone = max(name for name in lab.board.files() if name.startswith("log/") and len(name) == 12)
        lab.board.change({gone: None})
        with pytest.raises(AssertionError, match="stored records are not in the flash"):
            compare(lab)
    finally:
        await lab.stop()


def test_each_profile_lives_in_a_process_of_its_own() -> None:
    tally = Tally(minutes=0.01, first_seed=1)
    run(tally)
    assert not tally.failures
    assert tally.runs == len(NODES)
    assert tally.facts["records"] > 50
