"""A version: exactly the program's files, whole or not there, and runnable from wherever its root is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.installation.release import build, files, name_of, root_of

ROOT = Path(__file__).parents[3]


def borrowed(version: Path) -> None:
    """Make an environment out of the one the tests run in."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", version / ".venv"], check=True)
    (packages,) = (version / ".venv/lib").glob("python3*/site-packages")
    (mine,) = (Path(sys.prefix) / "lib").glob("python3*/site-packages")
    (packages / "borrowed.pth").write_text(f"{mine}\n")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The program's files, in a folder where nobody works on them."""
    for name in files(ROOT):
        target = tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return tmp_path / "source"


def test_a_version_runs_also_when_its_root_was_moved(source: Path, tmp_path: Path) -> None:
    version = build(source, tmp_path / "made" / "versions", borrowed)
    assert version.name == name_of(source)
    (tmp_path / "made").rename(tmp_path / "moved")
    moved = tmp_path / "moved" / "versions" / version.name
    # `-P` and its own .pth: what it imports is its own copy, not this checkout.
    asked = "import tools, wire; print(tools.__file__); print(wire.__file__)"
    python = moved / ".venv/bin/python"
    done = subprocess.run([python, "-P", "-c", asked], capture_output=True, text=True, check=True, cwd="/")
    assert [Path(line).is_relative_to(moved) for line in done.stdout.split()] == [True, True]
    done = subprocess.run(
        [moved / "bin/sensornett", "--help"], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0
    assert "gateway" in done.stdout


def test_one_that_fails_halfway_is_not_there(source: Path, tmp_path: Path) -> None:
    versions = tmp_path / "versions"

    def fails(version: Path) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    with pytest.raises(subprocess.CalledProcessError):
        build(source, versions, fails)
    assert [path for path in versions.iterdir() if not path.name.startswith(".")] == []
    made = build(source, versions, borrowed)
    assert [path.name for path in versions.iterdir()] == [made.name]
    assert build(source, versions, fails) == made  # is there: nothing is made


def test_its_name_changes_with_any_file(source: Path) -> None:
    cache = source / "tools" / "__pycache__"
    cache.mkdir()
    (cache / "cli.pyc").write_text("compiled")
    first = name_of(source)
    assert name_of(source) == first
    (cache / "cli.pyc").write_text("compiled anew")
    assert name_of(source) == first
    (source / "tools" / "cli.py").write_text("two")
    assert name_of(source) != first


def test_tests_and_environments_are_no_part_of_it() -> None:
    found = {path.parts[0] for path in files(ROOT)}
    assert {"tools", "gateway", "requirements"} <= found
    assert not {"tests", ".venv", ".git"} & found


@pytest.mark.parametrize(
    ("words", "root"),
    [
        (["install", "--site", "x"], "/"),
        (["upgrade", "--root", "/mnt/card"], "/mnt/card"),
        (["upgrade", "--root=/mnt/card"], "/mnt/card"),
    ],
)
def test_root_of(words: list[str], root: str) -> None:
    assert root_of(words) == Path(root)


def test_help_makes_nothing(tmp_path: Path) -> None:
    """Debian's Python has none of the packages; a version is not made just to be told about its options."""
    copy = tmp_path / "source"
    for name in ("tools/installation/release.py", "pyproject.toml"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    script = [sys.executable, str(copy / "tools/installation/release.py"), "install", "--help"]
    command = [*script, "--root", str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "./run install --site FOLDER" in done.stdout
    assert not (tmp_path / "root").exists()
