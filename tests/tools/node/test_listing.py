"""One line of the list of ports, where a board is and where none is."""

from pathlib import Path

import pytest

from tools.node import listing
from tools.node.look import Found
from tools.node.ports import Port
from tools.node.progress import Progress
from tools.node.registry import Registry
from tools.node.words import Words


def test_a_port_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    row = listing.row_of(Port(str(tmp_path / "nothing"), "FTDI"), None, Progress(Words("en")))
    assert (row["bridge"], set(row)) == ("FTDI", {"port", "bridge", "trouble"})
    assert "does not exist" in row["trouble"]
    assert listing.told(row, Words("en")) == row["trouble"]


@pytest.mark.parametrize(
    ("node", "stage", "why", "text"),
    [
        (None, "", "blank", "nytt, uten program"),
        (None, "", "silent", "svarer ikke: sover, eller er opptatt"),
        (None, "", "", "ingen node ennå"),
        (21, "", "", "node 21"),
        (21, "copied", "", "node 21, ikke ferdig: gi `sensornett node provision 21` på nytt"),
        (21, "shelved", "silent", "node 21, klar til montering"),
        (21, "commissioned", "", "node 21, i drift"),
    ],
)
def test_what_a_technician_reads_of_a_board(node: int | None, stage: str, why: str, text: str) -> None:
    row = {"chip": "esp32", "mac": "aa", "role": None, "node": node, "stage": stage, "why": why}
    assert listing.told(row, Words("nb")) == f"esp32  aa  {text}"


def test_the_registry_knows_which_node_a_board_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(tmp_path)
    registry.begin(21, "aa", "esp32s3", "heltec-v3")
    says = {"node": 7, "firmware": "0.1.0"}
    monkeypatch.setattr(listing, "look", lambda port: Found(port, "esp32s3", "aa", says))
    known = listing.row_of(Port("/dev/ttyUSB0", ""), registry, Progress(Words("en")))
    assert (known["node"], known["stage"], known["firmware"]) == (21, "started", "0.1.0")
    alone = listing.row_of(Port("/dev/ttyUSB0", ""), None, Progress(Words("en")))
    assert (alone["node"], alone["stage"]) == (7, "")
