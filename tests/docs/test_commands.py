"""Every command that a page shows exists, with each option it is shown with."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tools import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/**/*.md"))
PAGES += [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "hardware/README.md")]
SENSORNETT = re.compile(r"(?:[$] |sudo (?:-u \w+ )?|\.venv/bin/)?sensornett ([a-z].*)")
RUN = re.compile(r".*?\./run ([a-z].*)")


def code_in(text: str) -> Iterator[str]:
    """Yield what stands in `code`, and the lines of indented and fenced blocks, those that go on joined."""
    text = text.replace("\\\n", " ")
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from (line.strip() for line in block.splitlines())
    prose = re.sub(r"^```[^\n]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (line.strip() for line in prose.splitlines() if line.startswith("    ") and "`" not in line)
    yield from (" ".join(part.split()) for part in re.findall(r"`([^`]+)`", prose))


def commands(pattern: re.Pattern[str]) -> list[Any]:
    """Return each command behind `pattern`, without a remark, with the page it is on."""
    found = {
        (str(page.relative_to(ROOT)), matched[1].partition("#")[0].strip())
        for page in PAGES
        for code in code_in(page.read_text())
        if (matched := pattern.match(code))
    }
    return [pytest.param(command, id=f"{page}: {command}") for page, command in sorted(found)]


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def shown(words: list[str]) -> set[str]:
    return {word.partition("=")[0].rstrip(",.;") for word in words if word.startswith("--")}


def test_there_are_some() -> None:
    assert len(commands(SENSORNETT)) > 60
    assert len(commands(RUN)) > 40


@pytest.mark.parametrize("code", commands(SENSORNETT))
def test_sensornett(code: str) -> None:
    words = code.split()
    command: Any = typer.main.get_command(cli.build(words[0]))
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    whole = not hasattr(command, "commands") or command.invoke_without_command
    assert whole or not words, "there is no such command"
    assert shown(words) <= options(command)


@pytest.mark.parametrize("code", commands(RUN))
def test_run(code: str) -> None:
    """Of those that are typer's; that there are the others is seen in `tests/test_structure.py`."""
    words = code.split()
    installation = importlib.import_module("tools.installation.__main__")
    group: Any = typer.main.get_command(installation.app)
    if words[0] in group.commands:
        assert shown(words) <= options(group.commands[words[0]])
