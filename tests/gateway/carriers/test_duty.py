"""A gateway's airtime: by transmitter, by value, and over a restart."""

from pathlib import Path

import pytest

from gateway.carriers.duty import Duty

NOW_S = 1_795_000_000


def duty(path: Path | None = None, now_s: int = NOW_S) -> Duty:
    return Duty(869_525, 125, lambda: now_s, path)


def spare_ms(one: Duty, name: str, value: int, step: int) -> int:
    """How much there is in packets of `step` ms."""
    spent = 0
    while one.allows(name, step, value):
        one.spend(name, step)
        spent += step
    return spent


def test_what_is_worth_less_leaves_some_for_what_is_worth_more() -> None:
    one = duty()
    assert spare_ms(one, "a", 0, 160) == 252_000
    assert spare_ms(one, "a", 1, 160) == 72_000
    assert spare_ms(one, "a", 2, 160) == 36_000
    assert not one.allows("a", 160, 9)
    assert one.allows("b", 160, 0)


def test_long_answers_leave_some_for_short_ones() -> None:
    one = duty()
    assert spare_ms(one, "a", 0, 2_000) == 126_000
    assert spare_ms(one, "a", 2, 2_000) == 72_000
    assert spare_ms(one, "a", 0, 160) > 50_000


def test_a_restart_gives_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "airtime.json"
    duty(path).spend("a", 100_000)
    kept = path.read_text()
    for now_s, left in ((NOW_S, 260_000), (NOW_S - 86_400, 260_000), (NOW_S + 4_500, 360_000)):
        path.write_text(kept)  # a clock that was set back gives nothing back either
        assert spare_ms(duty(path, now_s), "a", 2, 160) == left


@pytest.mark.parametrize("content", ["", "[]", '{"a": "zz"}', '{"a": 7}', '{"a": "00"}'])
def test_a_damaged_file_is_told_and_left(tmp_path: Path, content: str) -> None:
    path = tmp_path / "airtime.json"
    path.write_text(content)
    assert duty(path).allows("a", 700, 0)


def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    one = duty(tmp_path / "missing" / "airtime.json")
    one.spend("a", 252_000)
    assert not one.allows("a", 160, 0)
