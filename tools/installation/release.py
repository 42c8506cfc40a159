"""Makes one version of the program ready to run, and hands over to it. Runs on Debian's own Python.

A version is a folder below versions/: the program's files, and a virtual environment with exactly the
packages of requirements/gateway.lock. It appears under its name only when it is whole.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PARTS = (
    "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "run", "requirements", "docs", "firmware",
    "device_configs", "gateway", "cloud_sync", "hardware", "tools",
)  # fmt: skip
SKIPPED = {"__pycache__", "node_modules"}
VERSIONS = "opt/sensornett/versions"


def files(source: Path) -> Iterator[Path]:
    """Yield the program's files, relative to `source`, in a fixed order."""
    for part in PARTS:
        top = source / part
        found = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in found:
            relative = path.relative_to(source)
            if path.is_file() and not SKIPPED & set(relative.parts) and path.suffix != ".pyc":
                yield relative


def name_of(source: Path) -> str:
    """Return the version's name: its number, and eight digits that change with any of its files."""
    number = re.search(r'^version = "([\w.+-]+)"$', (source / "pyproject.toml").read_text(), re.MULTILINE)
    digest = hashlib.sha256()
    for relative in files(source):
        content = (source / relative).read_bytes()
        digest.update(f"{relative}\0{len(content)}\0".encode() + content)
    return f"{number[1] if number else '0'}-{digest.hexdigest()[:8]}"


def build(source: Path, versions: Path, make_environment: Callable[[Path], None]) -> Path:
    """Return the folder of this version below `versions`, made unless it is there. Raises OSError.

    `make_environment` gets the folder and makes `.venv` in it.
    """
    ready = versions / name_of(source)
    if ready.is_dir():
        return ready
    making = versions / f".{ready.name}.making"
    shutil.rmtree(making, ignore_errors=True)
    for relative in files(source):
        target = making / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / relative, target)
    make_environment(making)
    (packages,) = (making / ".venv" / "lib").glob("python3*/site-packages")
    # Relative to that folder, so that the version can be moved and seen from outside of a root.
    (packages / "sensornett.pth").write_text("../../../..\n../../../../firmware/lib\n")
    command = making / "bin" / "sensornett"
    command.parent.mkdir()
    here = 'cd "$(dirname "$(readlink -f "$0")")/.." && pwd'
    command.write_text(f'#!/bin/sh\nhere=$({here})\nexec "$here/.venv/bin/python" -P -m tools.cli "$@"\n')
    command.chmod(0o755)
    os.sync()
    making.rename(ready)
    return ready


def make_environment(version: Path) -> None:
    """Make `.venv` from the lock, with the registry that pip is set up for. Raises CalledProcessError."""
    environment = version / ".venv"
    python = environment / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    lock = version / "requirements" / "gateway.lock"
    quiet = ["-q", "--disable-pip-version-check", "--no-input"]
    subprocess.run([python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", lock], check=True)
    # The services may not write into the version.
    subprocess.run([python, "-m", "compileall", "-q", "-x", r"/(firmware|shims)/", version], check=True)


def root_of(words: list[str]) -> Path:
    """Return the folder given with --root, else this machine's root."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word == "--root":
            return Path(after)
        if word.startswith("--root="):
            return Path(word.partition("=")[2])
    return Path("/")


def tell_help(source: Path, root: Path, words: list[str]) -> None:
    """Show the help of a command, which needs an environment: any that is there. Nothing is made for it."""
    for folder in (source, root / "opt/sensornett/current"):
        python = folder / ".venv/bin/python"
        if python.exists():
            os.chdir(source)
            os.execv(python, [str(python), "-m", "tools.installation", *words])  # noqa: S606
    print(f"usage: ./run {words[0]} --site FOLDER [OPTIONS]\nThe options are in docs/operations.md, day one.")


def main(words: list[str]) -> None:
    """Make the version of this very folder below the root, then go on as `tools.installation` in it."""
    if "--help" in words:
        tell_help(Path(__file__).resolve().parents[2], root_of(words), words)
        return
    print("Making this version ready ...", file=sys.stderr)
    try:
        version = build(Path(__file__).resolve().parents[2], root_of(words) / VERSIONS, make_environment)
    except PermissionError as error:
        sys.exit(f"{error.filename}: this needs root rights. Give the command with sudo.")
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"This version could not be made ready, and nothing was changed: {error}")
    python = str(version / ".venv" / "bin" / "python")
    go_on = [python, "-P", "-m", "tools.installation", *words, "--version-dir", str(version)]
    os.execv(python, go_on)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
