"""How worn the disk with the records is, as far as the kernel tells: pure reading of /sys and /proc."""

import os
from pathlib import Path

from tools.finding import Finding, Health

WHAT = "disk wear"
WORN_WARN, WORN_FAIL = 80, 100  # percent of what the maker promises
DAILY_WARN_GB = 20.0  # an ordinary card of 32 GB stands some ten thousand GB: a year and a half
_DAY_S, _SECTOR = 86_400.0, 512
_SETTLED_S = 6 * 3600  # before that a machine's start weighs too much


def wear(data: Path, system: Path = Path("/")) -> Finding:
    """Return how worn the disk is that `data` lies on; `system` is another root than this machine's."""
    try:
        number = data.stat().st_dev
        part = (system / f"sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve(strict=True)
    except OSError:
        return Finding(WHAT, Health.OK, "can not be told: this is no disk of this machine's own")
    disk = part.parent if (part / "partition").exists() else part
    return _by_its_maker(disk) or _by_writes(disk, part.name, system)


def _by_its_maker(disk: Path) -> Finding | None:
    """eMMC tells how much of its life is used, in tenths (JEDEC eMMC 5.0); SD cards do not."""
    try:
        steps = [int(word, 16) for word in (disk / "device/life_time").read_text().split()]
    except (OSError, ValueError):
        return None
    if not steps or max(steps) == 0:
        return None
    worn = 10 * max(steps)
    text = f"{disk.name}: up to {worn} % of its life is used"
    if worn < WORN_WARN:
        return Finding(WHAT, Health.OK, text)
    health = Health.FAILURE if worn > WORN_FAIL else Health.WARNING
    return Finding(WHAT, health, text, "Take a backup, and put in a new one.")


def _by_writes(disk: Path, part: str, system: Path) -> Finding:
    text = f"{disk.name} does not tell it"
    try:
        up_s = float((system / "proc/uptime").read_text().split()[0])
        daily_gb = int((disk / "stat").read_text().split()[6]) * _SECTOR / 1e9 / (up_s / _DAY_S)
    except (OSError, ValueError, IndexError, ZeroDivisionError):
        return Finding(WHAT, Health.OK, text)
    try:
        ever = int((system / f"sys/fs/ext4/{part}/lifetime_write_kbytes").read_text()) / 1e6
        text += f"; {ever:.0f} GB written since it was formatted"
    except (OSError, ValueError):
        pass  # another file system
    text += f"; {daily_gb:.1f} GB a day since the start"
    if daily_gb > DAILY_WARN_GB and up_s > _SETTLED_S:
        step = "That wears out a card in a year or two: see with `iotop -oa` what writes, or use an SSD."
        return Finding(WHAT, Health.WARNING, text, step)
    return Finding(WHAT, Health.OK, text)
