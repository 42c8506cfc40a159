"""A whole Debian in a folder, with its own systemd: made by debootstrap, run by systemd-nspawn.

It shares the network of this machine. Needs root rights and the two programs.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Those of the second line are what `./run install` needs, and age: they stay when the gateway goes.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "ca-certificates",
    "python3-venv", "mosquitto", "fonts-dejavu-core", "age",
)  # fmt: skip
PROGRAMS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
SUITE = "bookworm"
BOOT_S = 60.0
_SHARED = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pip.conf")


def missing() -> str:
    """Return why no guest can be made on this machine, or nothing. What Debian has of it is installed."""
    if os.geteuid() != 0:
        return "needs root rights"
    lacking = {program: package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not lacking:
        return ""
    if shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking.values()]
        subprocess.run(command, capture_output=True, check=False)
    still = [program for program in lacking if shutil.which(program) is None]
    return f"needs {' and '.join(still)}: apt-get install {' '.join(lacking.values())}" if still else ""


class Guest:
    """`root` becomes its file system. Use it as a context manager."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root = root
        self.source = source
        self._container: subprocess.Popen[bytes] | None = None
        self._init = 0

    def __enter__(self) -> "Guest":
        included = f"--include={','.join(PACKAGES)}"
        command = ["debootstrap", "--variant=minbase", included, SUITE, str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError("debootstrap: " + "\n".join(done.stdout.splitlines()[-5:]))
        self.boot()
        self.run("systemctl", "disable", "--now", "--quiet", "mosquitto")  # Debian's own, on a fixed port
        return self

    def __exit__(self, *_: object) -> None:
        self.power_off()

    def boot(self) -> None:
        shared = [f"--bind-ro={path}" for path in _SHARED if Path(path).exists()]
        self._container = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit",
             "--console=pipe", f"--bind-ro={self.source}:/source", *shared],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end:
            children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children").read_text()
            self._init = int(children.split()[0]) if children else 0
            if self._init and self.try_run("systemctl", "is-system-running").stdout.strip() in (
                "running",
                "degraded",
            ):
                return
            time.sleep(0.5)
        raise RuntimeError("the guest does not come up")

    def power_off(self) -> None:
        if self._container is not None:
            self._container.send_signal(signal.SIGTERM)  # nspawn hands it on as an orderly power-off
            try:
                self._container.wait(60)
            except subprocess.TimeoutExpired:
                self._container.kill()
                self._container.wait()
            self._container = None

    def try_run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command inside."""
        passed = {name: value for name, value in os.environ.items() if name in ("PIP_CERT", "PIP_INDEX_URL")}
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin", "HOME": "/root", **passed}
        inside = ["nsenter", "-t", str(self._init), "-m", "-u", "-i", "-p", "-C", "--"]
        set_to = [f"{name}={value}" for name, value in environment.items()]
        command = [*inside, "/usr/bin/env", "-i", *set_to, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def run(self, *words: str) -> str:
        """Run a command inside; return what it printed. Raises RuntimeError where it fails."""
        done = self.try_run(*words)
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(words)}: {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}"
            )
        return done.stdout

    def main_pid(self, unit: str) -> int:
        """Return the process of a service, as the guest numbers it; 0 where there is none."""
        return int(self.run("systemctl", "show", "-p", "MainPID", "--value", unit) or 0)

    def files(self, leaving_out: Sequence[str]) -> set[str]:
        """Return every path of its file system but those that begin with one of `leaving_out`."""
        found = set()
        for folder, folders, names in os.walk(self.root):
            here = "/" + os.path.relpath(folder, self.root).lstrip(".")
            here = here.replace("//", "/")
            folders[:] = [n for n in folders if not f"{here.rstrip('/')}/{n}".startswith(tuple(leaving_out))]
            for name in [*folders, *names]:
                path = f"{here.rstrip('/')}/{name}"
                if not path.startswith(tuple(leaving_out)):
                    found.add(path)
        return found


if __name__ == "__main__":
    sys.exit(missing() or 0)
