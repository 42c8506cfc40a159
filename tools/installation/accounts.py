"""The users of an installed gateway and who owns its folders: systemd's own tools do it, from two files."""

import os
import subprocess
from pathlib import Path

from tools.installation.places import BROKER_USER, USER, InstallError, Places
from tools.installation.units import SYSUSERS, TMPFILES


def make_users(places: Places) -> None:
    """Make the users. Raises InstallError."""
    _run(places, "systemd-sysusers", places.inside(SYSUSERS))


def make_folders(places: Places) -> None:
    """Make the folders, and give everything its owner and mode. Raises InstallError."""
    _run(places, "systemd-tmpfiles", "--create", places.inside(TMPFILES))
    # What root wrote into a folder of somebody else's, systemd-tmpfiles does not touch.
    for folder in (places.data, places.data / "broker"):
        owner = folder.stat()
        for path in folder.iterdir():
            if not path.is_dir():
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def remove_users(places: Places) -> None:
    """Raises InstallError."""
    prefix = [] if places.whole_machine else ["--prefix", str(places.root)]
    for user in (USER, BROKER_USER):
        if user in _names(places.inside("/etc/passwd")):
            _command(["userdel", *prefix, user])
        if user in _names(places.inside("/etc/group")):
            _command(["groupdel", *prefix, user])


def _names(file: Path) -> set[str]:
    return {line.partition(":")[0] for line in file.read_text().splitlines()} if file.exists() else set()


def _run(places: Places, program: str, *words: str | Path) -> None:
    root = [] if places.whole_machine else [f"--root={places.root}"]
    _command([program, *root, *words])


def _command(words: list[str | Path]) -> None:
    if os.geteuid() != 0:
        raise InstallError("users and owners can only be set with root rights: give the command with sudo")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(f"{words[0]}: {done.stderr.strip()}")
