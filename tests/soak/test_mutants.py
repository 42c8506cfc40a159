"""The mutants fit the firmware as it is now, and one of them is caught."""

import pytest

from tests.soak.mutants import MUTANTS, Mutant, Stale, broken, in_order
from tools.firmware_image import compiled


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_changes_one_file_of_the_node(mutant: Mutant) -> None:
    files, sound = broken(mutant), compiled()
    assert files.keys() == sound.keys()
    assert sum(files[name] != sound[name] for name in files) == 1


def test_a_mutant_whose_line_is_gone_is_told() -> None:
    with pytest.raises(Stale, match="0 times, not once"):
        broken(Mutant("old", "main.py", "no such line", "", "start"))


def test_there_are_enough_and_each_begins_with_a_module_there_is() -> None:
    assert len(MUTANTS) >= 15
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert in_order(mutant.first)[0] == f"tests/rig/test_{mutant.first}.py"
