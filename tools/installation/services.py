"""Starting, stopping and judging the services of an installed gateway."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gateway.control import SOCKET_NAME, ControlError, request
from tools.installation.places import InstallError, Places

HEALTHY_WITHIN_S = 90.0
STEADY_S = 10.0  # it has to answer for as long, as the same process
LOG_LINES = 20


class Services(Protocol):
    """Whoever runs the units."""

    def enable(self, units: Sequence[str]) -> None: ...
    def disable(self, units: Sequence[str]) -> None: ...
    def start(self, units: Sequence[str]) -> bool: ...
    def stop(self, units: Sequence[str]) -> None: ...
    def log(self, unit: str) -> str: ...
    def forget(self) -> None: ...


class Systemd:
    """systemd of this machine; in another root units are only enabled, for the time it is started."""

    def __init__(self, places: Places) -> None:
        self._root = places.root
        self.runs = places.whole_machine and Path("/run/systemd/system").is_dir()

    def enable(self, units: Sequence[str]) -> None:
        """Start them at each boot. Raises InstallError."""
        self._systemctl("enable", "--quiet", *units)

    def disable(self, units: Sequence[str]) -> None:
        self._systemctl("disable", "--quiet", *units)

    def start(self, units: Sequence[str]) -> bool:
        """Start them with the unit files as they are now; return whether anything runs here at all."""
        if not self.runs:
            return False
        self._systemctl("daemon-reload")
        self._systemctl("reset-failed", *units, may_fail=True)
        self._systemctl("start", "--no-block", *units)
        return True

    def stop(self, units: Sequence[str]) -> None:
        if self.runs:
            self._systemctl("stop", *units, may_fail=True)

    def forget(self) -> None:
        """Unit files have been removed."""
        if self.runs:
            self._systemctl("daemon-reload")
            self._systemctl("reset-failed", may_fail=True)

    def log(self, unit: str) -> str:
        """Return the last lines of a unit."""
        if not self.runs:
            return ""
        done = subprocess.run(
            ["journalctl", "--no-pager", "-o", "cat", "-n", str(LOG_LINES), "-u", unit],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip()

    def _systemctl(self, *words: str, may_fail: bool = False) -> None:
        where = [] if self._root == Path("/") else [f"--root={self._root}"]
        done = subprocess.run(["systemctl", *where, *words], capture_output=True, text=True, check=False)
        if done.returncode and not may_fail:
            raise InstallError(f"systemctl {' '.join(words)}: {done.stderr.strip()}")


def wait_healthy(
    state: Path,
    *,
    sync: bool,
    within_s: float = HEALTHY_WITHIN_S,
    steady_s: float = STEADY_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait until gateway (and sync) have been well for `steady_s`; return what is wrong, or nothing.

    Well is: it answers, it hears the broker, and it is the same process as before.
    """
    end, since, pid = clock() + within_s, None, None
    while True:
        trouble, process = _look(state, sync=sync)
        now = clock()
        if trouble or process != pid:
            since, pid = (None if trouble else now), process
        if since is not None and now - since >= steady_s:
            return ""
        if now >= end:
            return trouble or "it keeps starting again"
        sleep(0.5)


def _look(state: Path, *, sync: bool) -> tuple[str, object]:
    try:
        status = request(state / SOCKET_NAME, {"do": "status"}, timeout_s=5)
        if sync:
            request(state / "sync.sock", {"do": "status"}, timeout_s=5)
    except ControlError as error:
        return str(error), None
    deaf = [carrier["name"] for carrier in status["carriers"] if not carrier["connected"]]
    if "mqtt" in deaf:
        return "the gateway does not reach its broker", None
    return "", status["started_at_ms"]
