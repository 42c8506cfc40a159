from collections.abc import Callable
from pathlib import Path

import pytest

from device_configs.entry import Entry
from device_configs.problem import Problem
from device_configs.site_schema import NodeEntry, Recipient, SiteFile
from device_configs.source import Document, read_yaml
from device_configs.validate import check_lists, entries, validate

Write = Callable[[str], Document]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def document(text: str) -> Document:
        file = tmp_path / "a.yaml"
        file.write_text(text)
        found, problems = read_yaml(file)
        assert problems == []
        return found

    return document


def told(problems: list[Problem]) -> list[str]:
    return [f"{p.line}:{p.column}: {p.message}" + (f" | {p.hint}" if p.hint else "") for p in problems]


def test_a_misspelt_key_is_not_reported_as_missing_too(write: Write) -> None:
    recipient, problems = validate(write("id: a\nrolle: b\n"), (), Recipient)
    assert recipient is None
    assert told(problems) == ["2:1: unknown key `rolle` | did you mean `role`?"]


def test_an_unrelated_unknown_key_does_not_hide_a_missing_one(write: Write) -> None:
    _, problems = validate(write("id: a\nxyz: b\n"), (), Recipient)
    unknown = "2:1: unknown key `xyz` | known: gateway, id, quiet, role, rota"
    assert told(problems) == [unknown, "1:1: `role` is missing"]


def test_every_problem_of_an_entry_is_found(write: Write) -> None:
    text = "id: 0\nname:\nplace: 5\nlatitude: high\nprofile: brook\nboard: x\ncarrier: pigeon\nextra: 1\n"
    _, problems = validate(write(text), (), NodeEntry, {"profile": ["intake"], "board": ["heltec-v3"]})
    assert sorted(told(problems)) == [
        "1:1: `longitude` is missing",
        "1:5: `id` 0 is too small: at least 1",
        "2:1: `name` has no value",
        "3:8: `place` has to be text | put it in quotes",
        "4:11: `latitude` has to be a number",
        "5:10: `profile`: unknown profile `brook` | known: intake",
        "6:8: `board`: unknown board `x` | known: heltec-v3",
        '7:10: `carrier` can not be "pigeon" | known: lora, mqtt',
        "8:1: unknown key `extra`",
    ]


def test_names_are_checked_only_where_they_are_known(write: Write) -> None:
    _, problems = validate(write("profile: brook\n"), (), NodeEntry)
    assert all("missing" in problem.message for problem in problems)


def test_numbers_are_never_made_from_text_or_the_other_way(write: Write) -> None:
    _, problems = validate(write('latitude: "68.4"\ndemo: 1\nname: 5\n'), (), SiteFile)
    assert [line for line in told(problems) if "missing" not in line] == [
        "3:7: `name` has to be text | put it in quotes",
        "2:7: `demo` has to be true or false",
        "1:11: `latitude` has to be a number | remove the quotes",
    ]


def test_one_bad_entry_does_not_hide_the_others(write: Write) -> None:
    text = "recipients:\n  - {id: a, role: A}\n  - {id: B, role: B}\n  - text\n  - {id: c, role: C}\n"
    found, problems = entries(write(text), "recipients", Recipient)
    assert [(place, entry.id) for place, entry in found] == [
        (("recipients", 0), "a"),
        (("recipients", 3), "c"),
    ]
    assert told(problems) == [
        "3:10: `id` is not 1 to 32 small letters, digits and hyphens",
        "4:5: entry 3 of `recipients` has to hold keys with values",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: []\nb: []\n", []),
        ("a: []\n", ["1:1: `b` is missing | write `b: []` when there are none"]),
        ("a: []\nb:\n", ["2:1: `b` has to be a list | write `b: []` when there are none"]),
        ("a: []\nb: {}\n", ["2:4: `b` has to be a list | write `b: []` when there are none"]),
        ("a: []\nb: []\nc: []\n", ["3:1: unknown key `c` | known: a, b"]),
        ("text\n", ["1:1: the file has to start with `a:`"]),
    ],
)
def test_check_lists(write: Write, text: str, expected: list[str]) -> None:
    assert told(check_lists(write(text), ("a", "b"))) == expected


class Nested(Entry):
    """A place deep down."""

    inner: tuple[Recipient, ...]
    """Something."""


def test_hints_know_the_keys_of_nested_places(write: Write) -> None:
    _, problems = validate(write("inner:\n  - {id: a, role: A, idd: b}\n"), (), Nested)
    assert told(problems) == ["2:22: unknown key `idd` | did you mean `id`?"]
