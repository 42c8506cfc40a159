"""Soaks are found by their files, every failure is told with its seed."""

import json
import re
from pathlib import Path

import pytest

from tests.soak.runner import COMMAND, main
from tests.soak.tally import Tally


def fails_on_the_second(tally: Tally) -> None:
    for seed in tally.rounds(3):
        with tally.run(seed):
            tally.add("cuts", 5)
            if seed == tally.first_seed + 1:
                raise ValueError("lost one")


def passes(tally: Tally) -> None:
    for seed in tally.rounds(2):
        with tally.run(seed):
            pass


def test_a_failure_is_exit_status_1_and_names_its_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    known = {"bad": fails_on_the_second, "good": passes}
    assert main(["bad", "--seed", "70", "--json", str(out)], known) == 1
    assert json.loads(out.read_text()) == {
        "soak": "bad",
        "runs": 3,
        "failures": [{"seed": 71, "text": "ValueError: lost one"}],
        "seeds": [70, 71, 72],
        "cuts": 15,
    }
    assert "FAILED with seed 71: ValueError: lost one" in capsys.readouterr().err


def test_without_a_name_all_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "-"], {"one": passes, "two": passes}) == 0
    reports = json.loads(capsys.readouterr().out)
    assert [(r["soak"], r["runs"], r["failures"]) for r in reports] == [("one", 2, []), ("two", 2, [])]


def test_minutes_end_it() -> None:
    tally = Tally(minutes=0)
    passes(tally)
    assert tally.runs == 1
    assert tally.minutes_left <= 0


@pytest.mark.parametrize("argv", [["nothing"], ["--json", "/nowhere/out"], ["--minutes", "soon"]])
def test_usage(argv: list[str]) -> None:
    assert main(argv, {"one": passes}) == 2


def test_every_soak_of_this_folder_loads() -> None:
    assert {"outage", "store"} <= set(COMMAND.names())
    for name in COMMAND.names():
        assert re.fullmatch("[a-z]+", name)
        assert callable(COMMAND.load(name))
