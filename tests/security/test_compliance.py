"""docs/compliance is about this program: boards, ports, systems and files are those that the code has."""

import re
from pathlib import Path

import pytest

from gateway.alerts.channels import NAME as CHANNELS
from gateway.alerts.journal import NAME as ALERTS
from gateway.audit import FILE_NAME as AUDIT
from gateway.web.users import FILE_NAME as USERS
from tools.installation.choices import Choices

ROOT = Path(__file__).parents[2]
COMPLIANCE = ROOT / "docs/compliance"
BOARDS = sorted(file.stem for file in (ROOT / "device_configs/boards").glob("*.yaml"))


def told(name: str) -> str:
    return (COMPLIANCE / name).read_text()


@pytest.mark.parametrize("board", BOARDS)
def test_each_board_has_its_radio_conformity(board: str) -> None:
    assert f"\n| `{board}`: " in told("radio.md")


def test_the_ports_are_those_that_are_opened() -> None:
    choices = Choices()
    for port in (choices.broker.port, int(choices.page.rpartition(":")[2])):
        assert f"{port}/tcp" in told("network.md")


def test_each_supported_system_has_an_end() -> None:
    """The systems that `run` lets through, and an end date in the future when this was written."""
    supported = set(re.findall(r"debian-(\d+)-", (ROOT / "run").read_text()))
    rows = re.findall(r"^\| Debian (\d+) .*\| (\d+ \w+ (\d{4})) ", told("README.md"), re.MULTILINE)
    assert {version for version, _, _ in rows} == supported
    assert all(int(year) >= 2028 for _, _, year in rows)


@pytest.mark.parametrize("file", [USERS, CHANNELS, AUDIT, ALERTS])
def test_each_file_with_people_in_it_has_a_retention(file: str) -> None:
    lines = [line for line in told("privacy.md").splitlines() if line.startswith("| ")]
    rows = [line.split(" | ") for line in lines if f"`{file}`" in line]
    assert rows
    assert all(len(row) >= 5 and row[3].strip() for row in rows)


def test_every_page_it_promises_is_there() -> None:
    for name in re.findall(r"\]\(([\w./-]+\.md)\)", told("README.md")):
        assert (COMPLIANCE / name).exists(), name
