"""Wear of a disk as the kernel tells it: a folder stands in for /sys and /proc."""

import os
from pathlib import Path

import pytest

from tools.finding import Health
from tools.installation.wear import wear


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return the kernel's folder of the disk that `tmp_path` lies on, named as a Pi's card."""
    number = tmp_path.stat().st_dev
    folder = tmp_path / "sys/devices/mmcblk0"
    (folder / "mmcblk0p2").mkdir(parents=True)
    (folder / "mmcblk0p2/partition").write_text("2\n")
    (folder / "device").mkdir()
    numbers = tmp_path / "sys/dev/block"
    numbers.mkdir(parents=True)
    (numbers / f"{os.major(number)}:{os.minor(number)}").symlink_to(folder / "mmcblk0p2")
    return folder


@pytest.mark.parametrize(
    ("told", "health", "percent"),
    [("0x01 0x02\n", Health.OK, 20), ("0x09 0x01", Health.WARNING, 90), ("0x0b 0x0b", Health.FAILURE, 110)],
)
def test_what_its_maker_tells(tmp_path: Path, disk: Path, told: str, health: Health, percent: int) -> None:
    (disk / "device/life_time").write_text(told)
    found = wear(tmp_path, tmp_path)
    assert (found.what, found.health) == ("disk wear", health)
    assert f"mmcblk0: up to {percent} %" in found.text
    assert bool(found.next_step) is (health is not Health.OK)


@pytest.mark.parametrize("told", ["", "unknown", "0x00 0x00"])
def test_a_card_that_does_not_tell_is_judged_by_what_is_written(
    tmp_path: Path, disk: Path, told: str
) -> None:
    (disk / "device/life_time").write_text(told)
    assert wear(tmp_path, tmp_path).text == "mmcblk0 does not tell it"
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/uptime").write_text("172800.00 1.00\n")
    (disk / "stat").write_text(f"1 2 3 4 5 6 {4_000_000_000 // 512} 8 9\n")
    lifetime = tmp_path / "sys/fs/ext4/mmcblk0p2"
    lifetime.mkdir(parents=True)
    (lifetime / "lifetime_write_kbytes").write_text("123000000\n")
    found = wear(tmp_path, tmp_path)
    assert found.health is Health.OK
    assert "123 GB written since it was formatted; 2.0 GB a day" in found.text
    (disk / "stat").write_text(f"1 2 3 4 5 6 {100_000_000_000 // 512} 8 9\n")
    found = wear(tmp_path, tmp_path)
    assert found.health is Health.WARNING
    assert "iotop" in found.next_step
    (tmp_path / "proc/uptime").write_text("600.00 1.00\n")
    assert wear(tmp_path, tmp_path).health is Health.OK, "a machine that has just started writes much"


def test_what_is_no_disk(tmp_path: Path) -> None:
    assert wear(tmp_path, tmp_path).health is Health.OK
    assert wear(tmp_path / "nowhere").health is Health.OK
