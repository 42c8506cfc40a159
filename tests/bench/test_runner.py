"""The command: which benches there are, its exit status, its file."""

import json
from pathlib import Path

import pytest

from tests.bench import runner
from tests.bench.figures import Figure, NotMeasured, at_most
from tests.commands import FAILED, OK, USAGE

GOOD = [Figure("size", 36, "B", at_most(38), "the [longest]")]
BAD = [Figure("size", 39, "B", at_most(38))]


def fails() -> list[Figure]:
    raise NotMeasured("frames were lost")


KNOWN: dict[str, runner.Bench] = {"good": lambda: GOOD, "bad": lambda: BAD, "lost": fails}


def test_benches_are_found_by_their_files(tmp_path: Path) -> None:
    assert {"wire", "ingest"} <= set(runner.COMMAND.names())
    assert "figures" not in runner.COMMAND.names()
    (tmp_path / "page.py").write_text("def run() -> list[Figure]:\n    return []\n")
    (tmp_path / "beside.py").write_text("def other() -> None: ...\n")
    assert runner.COMMAND.names(tmp_path) == ["page"]


def test_every_bench_can_be_loaded() -> None:
    for name in runner.COMMAND.names():
        assert callable(runner.COMMAND.load(name))


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["good"], OK),
        (["bad"], FAILED),
        (["lost"], FAILED),
        ([], FAILED),
        (["--help"], OK),
        (["nothing"], USAGE),
        (["good", "bad"], USAGE),
        (["good", "--json"], USAGE),
        (["good", "--json", "/no/such/folder/figures.json"], USAGE),
    ],
)
def test_exit_status(argv: list[str], status: int) -> None:
    assert runner.main(argv, KNOWN) == status


def test_figures_go_to_people_and_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert runner.main(["good", "--json", str(file)], KNOWN) == OK
    assert json.loads(file.read_text())["figures"][0]["holds"] is True
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "size" in shown.err
    assert "[longest]" in shown.err
    assert runner.main(["good", "--json", "-"], KNOWN) == OK
    assert json.loads(capsys.readouterr().out)["bench"] == "good"


def test_what_could_not_be_measured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert runner.main(["lost", "--json", str(file)], KNOWN) == FAILED
    assert "bench lost: frames were lost" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(
    ("value", "text"), [(36, "36"), (0, "0"), (0.51279, "0.5128"), (26975.6, "26976"), (1.0, "1")]
)
def test_numbers_as_people_read_them(value: float, text: str) -> None:
    assert runner.shown(value) == text
