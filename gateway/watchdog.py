"""What systemd is told by a service (sd_notify(3)): that it is up, and again and again that it is alive.

Without systemd there is no NOTIFY_SOCKET, and nothing is told.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

LONG_USEC = 6 * 3_600_000_000  # what setting a damaged store aside and salvaging it may take


def notify(text: str) -> bool:
    """Send `text` (lines of NAME=VALUE) to systemd; return whether somebody is there to get it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, suppress(OSError):
        channel.setblocking(False)
        channel.sendto(text.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        return True
    return False


def period_s() -> float | None:
    """Return how often systemd wants to hear of this process; None: it does not watch it."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    usec = os.environ.get("WATCHDOG_USEC", "")
    return int(usec) / 1e6 if usec.isdecimal() and int(usec) else None


async def supervise(alive: Callable[[], Awaitable[object]]) -> None:
    """Tell systemd that this process is up, and that it is alive as often as `alive` comes to its end.

    `alive` goes through every part that must not be stuck. While it waits, systemd hears nothing, and
    restarts the process when that lasts too long.
    """
    await alive()
    period = period_s()
    notify("READY=1" + (f"\nWATCHDOG_USEC={round(period * 1e6)}" if period else ""))
    while period is not None:
        await asyncio.sleep(period / 3)
        await alive()
        notify("WATCHDOG=1")


def long_work() -> None:
    """Say that the next start may take hours. Ends with the next `supervise`."""
    if period_s() is not None:
        notify(f"WATCHDOG_USEC={LONG_USEC}")
