"""Power cuts of a store at work beside a second reader: a seeded part of `./run soak store`."""

from pathlib import Path

import pytest

from tests.faults.store_cuts import Broken, cut_often, record


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_nothing_acknowledged_is_lost_to_a_power_cut(tmp_path: Path, seed: int) -> None:
    assert cut_often(tmp_path, record(tmp_path / "work", seed), 40, seed) == 40


@pytest.mark.parametrize(("synchronous", "what"), [("NORMAL", "acknowledged and lost"), ("OFF", "seed")])
def test_a_store_that_syncs_too_seldom_is_found_out(tmp_path: Path, synchronous: str, what: str) -> None:
    with pytest.raises(Broken, match=what):
        cut_often(tmp_path, record(tmp_path / "work", 7, synchronous), 120, 7)
