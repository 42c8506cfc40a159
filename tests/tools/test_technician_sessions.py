"""The technician's guides: wiring as the boards have it, every session filled in, in both languages."""

import re
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from tools.node.words import LANGUAGES, Language, texts
from tools.technician_sessions import GUIDES, RADIO, Terminal, put_into, shown
from tools.wiring_tables import tables

ROOT = Path(__file__).parents[2]


def test_a_terminal_shows_the_last_of_a_line() -> None:
    raw = "  … Ser\r  … Ser  50%\r      \r  ✓ Ser  1.2 s\r\nferdig\r\n".encode()
    assert shown(raw) == ["  ✓ Ser", "ferdig", ""]


def test_sessions_and_wiring_go_into_their_places() -> None:
    guide = "a\n<!-- session x -->\nold\n<!-- end -->\nb\n<!-- wiring -->\n<!-- end -->\nc\n"
    filled = put_into(guide, {"x": r"new \1"}, "pins")
    assert filled == (
        "a\n<!-- session x -->\n```\nnew \\1\n```\n<!-- end -->\nb\n<!-- wiring -->\npins\n<!-- end -->\nc\n"
    )
    assert put_into(filled, {"x": r"new \1"}, "pins") == filled


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guides_wiring_is_that_of_the_boards(language: Language) -> None:
    guide = (ROOT / GUIDES[language]).read_text()
    assert tables(language) in guide
    for board in builtin_catalog().boards.values():
        assert f"`{board.name}`" in guide


def sessions_in(page: str) -> dict[str, str]:
    return dict(re.findall(r"<!-- session (\w+) -->\n(.*?)<!-- end -->", page, re.DOTALL))


def test_the_page_on_radio_shows_how_a_bridge_is_made() -> None:
    found = sessions_in((ROOT / RADIO).read_text())
    assert set(found) == {"bridge"}
    assert "is the LoRa bridge of" in found["bridge"]
    assert "a gateway's LoRa bridge" in found["bridge"]


async def test_a_session_that_ends_otherwise_is_not_shown(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "en")
    with pytest.raises(RuntimeError, match=r"status 3, not 0[\s\S]*no such folder"):
        await terminal.run("check nowhere")
    assert terminal.lines == []
    await terminal.run("check nowhere", status=3)
    assert terminal.lines[0] == "$ sensornett check nowhere"


def lines_of(text: str) -> list[str]:
    """What the commands said in a session, without the stages' marks."""
    inside = text.removeprefix("```\n").rstrip().removesuffix("```").splitlines()
    return [line.lstrip(" ✓✗") for line in inside if line and not line.startswith("$ ")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sessions_say_what_the_commands_say_today(language: Language) -> None:
    """Every line is one of the texts, but for a label's and a difference of settings."""
    any_line = {"bench.trouble", "channel.line", "hotspot.taking"}  # hardly more than their blanks
    known = [re.escape(text[language]) for key, text in texts().items() if key not in any_line]
    of_texts = re.compile("|".join(re.sub(r"\\{.*?\\}", ".+", text) for text in known))
    found = sessions_in((ROOT / GUIDES[language]).read_text())
    del found["label"]
    for name, text in found.items():
        for line in lines_of(text):
            plain = re.fullmatch(r"\w+: .+ -> .+", line)
            assert plain or of_texts.fullmatch(line), (name, line)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_session_is_filled_in(language: Language) -> None:
    guide = (ROOT / GUIDES[language]).read_text()
    found = sessions_in(guide)
    assert set(found) == {
        "key",
        "wrong",
        "cut",
        "provision",
        "label",
        "build",
        "push",
        "refused",
        "commission",
        "settings",
        "status",
        "hotspot",
        "replace",
        "forget",
    }
    assert all(text.startswith("```\n$ sensornett ") for text in found.values())
    assert "Traceback" not in guide
