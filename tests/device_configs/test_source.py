from pathlib import Path

import pytest

from device_configs.source import DEPTH_MAX, SIZE_MAX, Value, read_yaml


def read(tmp_path: Path, text: str | bytes) -> tuple[Value, list[str]]:
    file = tmp_path / "a.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    document, problems = read_yaml(file)
    return document.tree, [f"{p.line}:{p.column}: {p.message}" for p in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-12", -12), ("+3", 3), ("0x48", 72), ("0o17", 15), ("010", 10),
        ("1.5", 1.5), ("-.5", -0.5), ("1e3", 1000.0), ("2.", 2.0),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("1_000", "1_000"), ("12:30", "12:30"), (".inf", ".inf"),
        ("2026-02-01", "2026-02-01"), ('"12"', "12"), ("'true'", "true"), ("1" * 41, "1" * 41),
        ("|\n  a\n  b", "a\nb\n"),
    ],
)  # fmt: skip
def test_values(tmp_path: Path, text: str, value: Value) -> None:
    tree, problems = read(tmp_path, f"a: {text}\n")
    assert problems == []
    assert tree == {"a": value}
    assert isinstance(tree, dict)
    assert type(tree["a"]) is type(value)


def test_places_of_keys_and_values(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a:\n  - b: 1\n    c:\n  - {d: [x,  y]}\n")
    document, problems = read_yaml(file)
    assert problems == []
    assert document.tree == {"a": [{"b": 1, "c": None}, {"d": ["x", "y"]}]}
    assert document.keys[("a", 0, "b")] == (2, 5)
    assert document.values[("a", 0, "b")] == (2, 8)
    assert document.values[("a", 0, "c")] == (3, 5)  # nothing there: its key
    assert document.values[("a", 1, "d", 1)] == (4, 14)
    problem = document.problem(("a", 1, "d", "[key]", 7), "m")
    assert (problem.line, problem.column, problem.text) == (4, 9, "  - {d: [x,  y]}")


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffa: 1\r\nb: 2\r\n") == ({"a": 1, "b": 2}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: `a` is given twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", "1:11: `b` is given twice, first in line 1"),
        ("a:\n\tb: 1\n", "2:1: a tab: YAML is indented with spaces only"),
        ("a: &x 1\nb: *x\n", "2:4: `*x` repeats another place of the file"),
        ("a: !!int 3\n", "1:4: tags such as `!!int` are not used here"),
        ("a: !x 3\n", "1:4: tags such as `!x` are not used here"),
        ("? [a]\n: 1\n", "1:3: a key has to be plain text"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document (`---`) starts here"),
        ('a: "\\ud800"\n', "1:4: half of a surrogate pair, which is no character"),
        (
            "a: [1, 2\n",
            "2:1: not YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence",
        ),
        ("a: b: c\n", "1:5: not YAML: mapping values are not allowed here"),
        ("a\nb: 1\n", "2:2: not YAML: mapping values are not allowed here"),
        ("a: 1\nb: \x00\n", "2:4: a character that YAML does not allow"),
        (b"a: \xe6\n", "1:4: not UTF-8 text"),
        (b"a: 1\nbl\xc3\xa5b\xe6r: 2\n", "2:5: not UTF-8 text"),
        ('a: "\\U00110000"\n', "1:1: not YAML: "),
        ("%YAML 9.9\n---\na: 1\n", "1:1: not YAML: found incompatible YAML document"),
    ],
)
def test_problems(tmp_path: Path, text: str | bytes, message: str) -> None:
    _, problems = read(tmp_path, text)
    assert len(problems) == 1
    assert problems[0].startswith(message)


def test_twice_the_same_key_inside_of_twice_the_same_key_is_one_problem(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "a: {x: 1}\na: {x: 2}\n")
    assert problems == ["2:1: `a` is given twice, first in line 1"]


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert read(tmp_path, bomb)[1] == ["2:8: `*a` repeats another place of the file"]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000, "? " * 100_000])
def test_depth_is_bounded(tmp_path: Path, text: str) -> None:
    _, (problem,) = read(tmp_path, text)
    assert f"nested more than {DEPTH_MAX} levels deep" in problem or "a key has to be plain text" in problem


def test_size_is_bounded(tmp_path: Path) -> None:
    assert read(tmp_path, "a" * (SIZE_MAX + 1))[1] == ["1:1: the file is larger than 1024 KiB"]


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    (problem,) = read_yaml(tmp_path / "none.yaml")[1]
    assert problem.message == "the file does not exist"
    (problem,) = read_yaml(tmp_path)[1]
    assert problem.message == "can not be read: Is a directory"


def test_empty_files_hold_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") == (None, [])
    assert read(tmp_path, "# only a comment\n") == (None, [])
