from pathlib import Path

from tools.installation.clock_check import advice


def test_a_machine_that_knows_the_time_needs_no_advice(tmp_path: Path) -> None:
    (tmp_path / "rtc0").mkdir()
    assert advice(tmp_path, synchronised=True) == []


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    (clock, battery) = advice(tmp_path, synchronised=False)
    assert "not synchronised" in clock
    assert "Real-time clock: none" in battery
    assert advice(tmp_path / "none", synchronised=True) == [battery]
