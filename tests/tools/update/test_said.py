"""What nodes say of updates: every word the firmware has is known here, in both languages."""

import ast
from pathlib import Path

import pytest

from tools.node.words import Words
from tools.update.said import in_words

NODE = Path(__file__).parents[3] / "firmware" / "lib" / "node"


def refusals() -> list[str]:
    """Every text of a `Refused` in the firmware, with something in its blanks."""
    found = []
    for file in sorted(NODE.glob("*.py")):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Refused":
                text = next(part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant))
                assert isinstance(text, str)
                found.append(text.replace("%d", "17").replace("%s", "heltec-v3"))
    return found


@pytest.mark.parametrize("said", refusals())
def test_every_refusal_of_a_node_is_known(said: str) -> None:
    assert in_words(said, Words("en")) == said
    assert in_words(said, Words("nb")) != said


def test_there_are_refusals() -> None:
    assert len(refusals()) > 12


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("it is older (1) than what runs here (2)", "den er eldre (1) enn den som kjører her (2)"),
        ("it is for a, b, this is heltec-v3", "den er for a, b, dette er heltec-v3"),
        ("it expired 26 h ago", "den utløp for 26 timer siden"),
        ("runs 0.1.0 (6)", "kjører 0.1.0 (6)"),
        ("the manifest lacks what it has to say", "manifestet mangler noe det skal inneholde"),
        ("no heap left for it now", "det er ikke nok ledig minne nå"),
        (
            "there is no program for this node here, or it may not take one now",
            "det er ikke noe program til denne noden her, eller den kan ikke ta imot et nå",
        ),
        ("what a later program may say {x}", "what a later program may say {x}"),
    ],
)
def test_what_a_technician_reads(said: str, words: str) -> None:
    assert in_words(said, Words("nb")) == words
    assert in_words(said, Words("en")) == said
