"""Whether this machine will know the time: over the network, and without it after a power cut."""

import subprocess
from pathlib import Path

from tools.finding import Finding, Health

_RTC = Path("/sys/class/rtc")


def advice(rtc: Path = _RTC, synchronised: bool | None = None) -> list[str]:
    """Return what should be done about the machine's clock; nothing where all is well."""
    found = []
    if not (synchronised if synchronised is not None else _synchronised()):
        found.append(
            "The clock is not synchronised yet. Install systemd-timesyncd or chrony, and let it reach a time "
            "server (UDP 123) of yours."
        )
    finding = battery_clock(rtc)
    if finding.next_step:
        found.append(f"Real-time clock: {finding.text}. {finding.next_step}")
    return found


def battery_clock(rtc: Path = _RTC) -> Finding:
    """Return whether this machine knows the time after a power cut without internet."""
    names = sorted(path.name for path in rtc.iterdir()) if rtc.is_dir() else []
    if names:
        return Finding("real-time clock", Health.OK, ", ".join(names))
    text = "none: after a power cut without internet this machine does not know the time"
    step = "Fit one: a DS3231 on I2C, or on a Raspberry Pi 5 the battery. No new node is welcomed till then."
    return Finding("real-time clock", Health.WARNING, text, step)


def _synchronised() -> bool:
    try:
        done = subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True, text=True, check=False, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return True  # who keeps this machine's time is not known, so nothing is claimed
    return done.returncode != 0 or done.stdout.strip() != "no"
