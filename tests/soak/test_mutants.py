"""The mutants fit the firmware as it is now."""

import ast

import pytest

import tests.soak.mutants
from tests.soak.mutants import MUTANTS, Mutant, Stale, broken, in_order, mutated, run
from tests.soak.tally import Tally
from tools.firmware_image import FIRMWARE, compiled


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_is_another_program(mutant: Mutant) -> None:
    sound = (FIRMWARE / mutant.file).read_text()
    assert ast.dump(ast.parse(mutated(mutant))) != ast.dump(ast.parse(sound))


@pytest.mark.parametrize("file", ["main.py", "lib/node/settings.py"])
def test_what_is_put_on_the_board_is_the_mutant(file: str) -> None:
    files, sound = broken(next(mutant for mutant in MUTANTS if mutant.file == file)), compiled()
    assert files.keys() == sound.keys()
    assert files != sound


def test_a_mutant_whose_line_is_gone_is_told() -> None:
    with pytest.raises(Stale, match="0 times, not once"):
        broken(Mutant("old", "main.py", "no such line", "", "start"))


def test_there_are_enough_and_each_begins_with_a_module_there_is() -> None:
    assert len(MUTANTS) >= 15
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert in_order(mutant.first)[0] == f"tests/rig/test_{mutant.first}.py"


def test_what_nobody_catches_is_a_failure_and_so_is_a_sound_firmware_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    escaping = MUTANTS[2]
    monkeypatch.setattr(tests.soak.mutants, "caught_by", lambda m: None if m is escaping else "a test")
    monkeypatch.setattr(tests.soak.mutants, "rig", lambda files, modules: ("test_start", "output"))
    tally = Tally(tell=lambda text: None)
    run(tally)
    assert [failure.text for failure in tally.failures] == [
        f"AssertionError: nobody caught: {escaping.name}",
        "AssertionError: the sound firmware fails test_start:\noutput",
    ]
    assert tally.facts["caught"] == tally.facts["mutants"] - 1 == len(MUTANTS) - 1


def test_what_there_is_no_time_for_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests.soak.mutants, "rig", lambda files, modules: (None, ""))
    tally = Tally(minutes=0, tell=lambda text: None)
    run(tally)
    assert (tally.failures, tally.facts["mutants"]) == ([], 0)
