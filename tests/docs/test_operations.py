"""Every command of the operations guide exists, with each option it is shown with."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from tools import cli

GUIDE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
# In `code` and in indented blocks; a line may go on in the next.
CODE = [" ".join(part.split()) for part in re.findall(r"`([^`]+)`", GUIDE)]
CODE += [line.strip() for line in GUIDE.splitlines() if line.startswith("    ") and "`" not in line]
SENSORNETT = sorted({c for c in CODE if re.match(r"(sudo (-u \w+ )?)?sensornett [a-z]", c)})
RUN = sorted({c[c.index("./run") :] for c in CODE if "./run " in c})
ELSEWHERE = {"sbom"}  # commands of `run` that are not typer's


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def shown(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def test_there_are_some() -> None:
    assert len(SENSORNETT) > 8
    assert len(RUN) > 10


@pytest.mark.parametrize("code", SENSORNETT)
def test_sensornett(code: str) -> None:
    words = code.partition("#")[0].split()
    words = words[len(words) - words[::-1].index("sensornett") :]
    command: Any = typer.main.get_command(cli.build(words[0]))
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands") or command.invoke_without_command, code
    assert shown(words) <= options(command)


@pytest.mark.parametrize("code", RUN)
def test_run(code: str) -> None:
    words = code.partition("#")[0].split()[1:]
    if words[0] not in ELSEWHERE:
        installation = importlib.import_module("tools.installation.__main__")
        group: Any = typer.main.get_command(installation.app)
        assert shown(words) <= options(group.commands[words[0]])
