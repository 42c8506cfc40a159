import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import typer

from device_configs.problem import ConfigError, Problem
from tools import cli

ROOT = Path(__file__).parents[2]


def command(run: object) -> ModuleType:
    """A command module whose one command does `run`."""
    app = typer.Typer()

    @app.command()
    def doctor() -> None:
        """Find out."""
        run()  # type: ignore[operator]

    return SimpleNamespace(app=app)  # type: ignore[return-value]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Put a command `doctor` in place that raises the error it is given."""

    def mount(error: BaseException) -> None:
        def fail() -> None:
            raise error

        monkeypatch.setitem(sys.modules, "tools.doctor_command", command(fail))
        monkeypatch.setattr(cli, "installed", lambda: ["doctor"])

    return mount


def test_every_command_module_is_listed() -> None:
    modules = {file.stem.removesuffix("_command") for file in (ROOT / "tools").glob("*_command.py")}
    assert modules == set(cli.installed())


def walk(command: object, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], object]]:
    found = [(path, command)]
    for name, below in getattr(command, "commands", {}).items():
        found += walk(below, (*path, name))
    return found


@pytest.mark.parametrize("name", cli.installed())
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.COMMANDS[name]
    group = typer.main.get_command(cli.build(name))
    for path, found in walk(group.commands[name], (name,)):  # type: ignore[attr-defined]
        assert found.help or found.callback.__doc__, path  # type: ignore[attr-defined]
        for parameter in found.params:  # type: ignore[attr-defined]
            assert parameter.help or parameter.hidden, (path, parameter.name)
        assert cli.main([*path, "--help"]) == 0
        assert "--help" in capsys.readouterr().out


def test_listing_imports_no_command() -> None:
    code = (
        "import sys, tools.cli as c; c.main(['--help']);"
        "sys.exit(any(m.endswith('_command') or m in ('pydantic', 'gateway', 'apsw') for m in sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True).returncode
        == 0
    )


def test_a_command_imports_only_itself() -> None:
    code = (
        "import sys, tools.cli as c; c.main(['check', '--help']);"
        "print([m for m in sys.modules if m.endswith('_command')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "['tools.check_command']"


def test_without_arguments_it_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "check" in "".join(capsys.readouterr())


def test_a_misspelt_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chekc"]) == 2
    assert "Did you mean 'check'?" in capsys.readouterr().err


def problem() -> Problem:
    return Problem(Path("nodes.yaml"), 3, 5, "  x: 1", "unknown key `x`", "did you mean `y`?")


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ConfigError([problem()]), 3, "nodes.yaml:3:5: unknown key `x`\n      x: 1\n        ^\n    hint: "),
        (KeyboardInterrupt(), 130, ""),
        (ConnectionRefusedError(111, "Connection refused"), 6, "network: [Errno 111] Connection refused"),
        (TimeoutError(), 6, "network: TimeoutError"),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x: Permission denied"),
        (OSError("odd"), 1, "odd"),
        (ModuleNotFoundError("No module 'x'"), 1, "a part of the installation is missing: No module 'x'"),
        (ZeroDivisionError("by zero"), 1, "this should not have happened: ZeroDivisionError: by zero"),
        (typer.Exit(5), 5, ""),
        (SystemExit("told"), 1, ""),
        (SystemExit(None), 0, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)  # fmt: skip
def test_errors(failing, capsys, error: BaseException, status: int, text: str) -> None:  # type: ignore[no-untyped-def]
    failing(error)
    assert cli.main(["doctor"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(text)
    assert bool(err) == bool(text)
    assert "Traceback" not in err


def test_problems_as_json(failing, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    failing(ConfigError([problem()]))
    cli.tell_problems(ConfigError([problem(), problem()]), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"ok": False, "problems": [problem().as_json()] * 2}
    assert err.splitlines()[-1] == "2 problems"


def test_a_traceback_is_shown_on_request(failing, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    failing(ZeroDivisionError())
    monkeypatch.setenv(cli.TRACEBACK, "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli", "check", "--json"],
        cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_ctrl_c_is_quiet(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        "import signal, sys, time, types, typer, pathlib\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "from tools import cli\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def doctor() -> None:\n"
        f"    pathlib.Path({str(started)!r}).touch()\n"
        "    time.sleep(120)\n"
        "sys.modules['tools.doctor_command'] = types.SimpleNamespace(app=app)\n"
        "cli.installed = lambda: ['doctor']\n"
        "sys.exit(cli.main(['doctor']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not started.exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 130
