"""A gateway's airtime: by transmitter, by value, and over a restart."""

from pathlib import Path

import pytest

from gateway.carriers.duty import Duty

NOW_S = 1_795_000_000


def duty(path: Path | None = None, now_s: int = NOW_S) -> Duty:
    return Duty(869_525, 125, lambda: now_s, path)


def test_what_is_worth_less_leaves_some_for_what_is_worth_more() -> None:
    one = duty()
    assert [one.spare_ms("a", value) for value in (0, 1, 2, 9)] == [252_000, 324_000, 360_000, 360_000]
    one.spend("a", 260_000)
    assert [one.spare_ms("a", value) for value in (0, 1, 2)] == [0, 64_000, 100_000]
    assert one.spare_ms("b") == 360_000


def test_a_restart_gives_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "airtime.json"
    duty(path).spend("a", 100_000)
    assert duty(path).spare_ms("a") == 260_000
    assert duty(path, NOW_S - 86_400).spare_ms("a") == 260_000  # nor does a clock that was set back
    assert duty(path, NOW_S + 4_500).spare_ms("a") == 360_000


@pytest.mark.parametrize("content", ["", "[]", '{"a": "zz"}', '{"a": 7}', '{"a": "00"}'])
def test_a_damaged_file_is_told_and_left(tmp_path: Path, content: str) -> None:
    path = tmp_path / "airtime.json"
    path.write_text(content)
    assert duty(path).spare_ms("a") == 360_000


def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    one = duty(tmp_path / "missing" / "airtime.json")
    one.spend("a", 1_000)
    assert one.spare_ms("a") < 360_000
