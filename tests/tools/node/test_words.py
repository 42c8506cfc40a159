"""Every text in both languages, with the same blanks, and every text that the tools ask for is there."""

import re
from pathlib import Path

import pytest

from tools.node.trouble import STATUS, Trouble
from tools.node.words import LANGUAGES, Words, language_of, texts

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.mark.parametrize("key", sorted(texts()))
def test_both_languages_have_the_same_blanks(key: str) -> None:
    blanks = [set(re.findall(r"{(\w+)}", texts()[key][language])) for language in LANGUAGES]
    assert blanks[0] == blanks[1]
    assert all(texts()[key][language].strip() for language in LANGUAGES)


def test_every_text_asked_for_is_there() -> None:
    sources = [*(TOOLS / "node").glob("*.py"), *TOOLS.glob("*_*.py")]
    text = "\n".join(source.read_text() for source in sources)
    asked = set(re.findall(r'\bwords\(\s*"([\w.]+)"', text))
    asked |= {f"stage.{name}" for name in re.findall(r'\bstage\(\s*"(\w+)"', text)}
    raised = set(re.findall(r'\bTrouble\(\s*"(\w+)"', text))
    assert asked - set(texts()) == set()
    assert raised - set(STATUS) == set()


@pytest.mark.parametrize("key", sorted(STATUS))
def test_each_trouble_has_a_text_and_a_status(key: str) -> None:
    assert f"trouble.{key}" in texts()
    assert 1 <= Trouble(key).status <= 6


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        (None, {"LANG": "nb_NO.UTF-8"}, "nb"),
        (None, {"LANG": "nn_NO.UTF-8"}, "nb"),
        (None, {"LANG": "en_GB.UTF-8", "LC_ALL": "no"}, "nb"),
        (None, {"LANG": "C"}, "en"),
        (None, {}, "en"),
        ("nb", {"LANG": "en_US"}, "nb"),
        ("en", {"LANG": "nb_NO"}, "en"),
    ],
)
def test_the_language_follows_the_environment(
    asked: str | None, environment: dict[str, str], language: str
) -> None:
    assert language_of(asked, environment) == language


def test_every_text_is_used() -> None:
    sources = [*(TOOLS / "node").glob("*.py"), *TOOLS.glob("*_*.py")]
    text = "\n".join(source.read_text() for source in sources)
    made = (
        "trouble.",
        "stage.",
        "did.",
        "settings.",
        "sheet.",
        "hotspot.",
        "update.way_",
        "said.",
    )  # by a part
    unused = [key for key in texts() if key not in text and not key.startswith(made)]
    unused += [
        k for k in texts() if k.startswith("stage.") and f'stage("{k.removeprefix("stage.")}"' not in text
    ]
    assert unused == []


def test_what_a_technician_reads_is_filled_in() -> None:
    trouble = Trouble("wrong_chip", port="/dev/ttyUSB0", found="esp32", wanted="esp32s3")
    assert "Ingenting er skrevet" in trouble.told(Words("nb"))
    assert "has an esp32, here an esp32s3 is needed" in trouble.told(Words("en"))
