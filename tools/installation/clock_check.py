"""Whether this machine will know the time: over the network, and without it after a power cut."""

import subprocess
from pathlib import Path

_RTC = Path("/sys/class/rtc")


def advice(rtc: Path = _RTC, synchronised: bool | None = None) -> list[str]:
    """Return what should be done about the machine's clock; nothing where all is well."""
    found = []
    if not (synchronised if synchronised is not None else _synchronised()):
        found.append(
            "The clock is not synchronised yet. Install systemd-timesyncd or chrony, and let it reach a time "
            "server (UDP 123) of yours."
        )
    if not rtc.is_dir() or not any(rtc.iterdir()):
        found.append(
            "This machine has no real-time clock: after a power cut without internet it does not know the "
            "time. Fit one (DS3231 on I2C; on a Raspberry Pi 5 the battery). Nodes then still know theirs."
        )
    return found


def _synchronised() -> bool:
    try:
        done = subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True, text=True, check=False, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return True  # who keeps this machine's time is not known, so nothing is claimed
    return done.returncode != 0 or done.stdout.strip() != "no"
