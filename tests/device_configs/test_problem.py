import pickle
from pathlib import Path

from device_configs.problem import ConfigError, Problem, closest, did_you_mean


def at(line: int, column: int, text: str = "", message: str = "wrong", hint: str | None = None) -> Problem:
    return Problem(Path("a.yaml"), line, column, text, message, hint)


def test_pretty_points_at_the_place() -> None:
    problem = at(3, 5, "key: valeu", "no such value", "did you mean `value`?")
    assert problem.pretty().splitlines() == [
        "a.yaml:3:5: no such value",
        "    key: valeu",
        "        ^",
        "    hint: did you mean `value`?",
    ]


def test_pretty_without_source_line() -> None:
    assert at(1, 1).pretty() == "a.yaml:1:1: wrong"


def test_pretty_cuts_a_long_line_around_the_place() -> None:
    problem = at(1, 5001, "x" * 5000 + "Y" + "x" * 5000)
    _, line, caret = problem.pretty().splitlines()
    assert len(line) < 120
    assert line[caret.index("^")] == "Y"


def test_pretty_shows_no_control_characters() -> None:
    problem = at(1, 6, "\tab\x1b[31mc")
    _, line, caret = problem.pretty().splitlines()
    assert line == "     ab [31mc"
    assert line[caret.index("^")] == "3"


def test_error_lists_all_problems_in_order_and_survives_pickling() -> None:
    error = ConfigError([at(9, 1), at(2, 7), at(2, 3)])
    assert str(error).splitlines() == ["a.yaml:2:3: wrong", "a.yaml:2:7: wrong", "a.yaml:9:1: wrong"]
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_as_json() -> None:
    assert at(1, 2, "t", "m", "h").as_json() == {
        "file": "a.yaml", "line": 1, "column": 2, "text": "t", "message": "m", "hint": "h",
    }  # fmt: skip


def test_did_you_mean() -> None:
    assert did_you_mean("profle", ["profile", "place"]) == "did you mean `profile`?"
    assert did_you_mean("zzz", ["b", "a"]) == "known: a, b"
    assert did_you_mean("zzz", [str(n) * 3 for n in range(20)]) is None
    assert did_you_mean("zzz", []) is None
    assert closest("x" * 100_000, ["xx"]) is None
