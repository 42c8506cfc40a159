"""What is measured is found by its file, loaded when its turn comes, and reported as one object or a list."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import OK, USAGE, Command, write_report

COMMAND: Command[Callable[[], int]] = Command("try", "Tries.", Path(__file__).parent, "run() -> int")


def test_a_name_is_a_module_with_such_a_run(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def run() -> int:\n    return 1\n")
    (tmp_path / "other.py").write_text("def run() -> str: ...\n")
    assert COMMAND.names(tmp_path) == ["one"]


def test_nothing_is_loaded_before_its_turn() -> None:
    chosen = COMMAND.chosen(["--json", "-"], {"a": lambda: 1, "b": lambda: 2})
    assert not isinstance(chosen, int)
    asked, runs = chosen
    assert str(asked.json) == "-"
    assert {name: get()() for name, get in runs.items()} == {"a": 1, "b": 2}
    assert COMMAND.chosen(["c"], {"a": lambda: 1}) == USAGE
    assert COMMAND.chosen(["--help"], {"a": lambda: 1}) == OK
    named = COMMAND.chosen(["b"], {"a": lambda: 1, "b": lambda: 2})
    assert not isinstance(named, int)
    assert list(named[1]) == ["b"]


def test_one_is_an_object_and_several_are_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_report(None, [{"a": 1}])
    write_report(tmp_path / "one.json", [{"a": 1}])
    assert json.loads((tmp_path / "one.json").read_text()) == {"a": 1}
    write_report(Path("-"), [{"a": 1}, {"b": 2}])
    assert json.loads(capsys.readouterr().out) == [{"a": 1}, {"b": 2}]
