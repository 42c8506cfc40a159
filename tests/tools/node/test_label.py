"""What a label says, and its drawing where the packages for it are there."""

from pathlib import Path

import pytest
from PIL import ImageFont

from device_configs.loader import SITES, load_site
from tools.node import label
from tools.node.trouble import Trouble

DEMO = load_site(SITES / "narvik-demo")


def test_a_label_says_which_board_is_which_node() -> None:
    made = label.label_of(DEMO, DEMO.node(21), "0242ac110002")
    assert made.claim == "SN1:narvik-demo:21:0242ac110002"
    assert made.lines[0] == "21  Skistua (demo)"
    assert "0002" in made.lines[2]


def test_lines_break_between_words() -> None:
    assert label.wrapped("a place by the brook", len, 9) == ["a place", "by the", "brook"]
    assert label.wrapped("Taraldsvikelva", len, 5) == ["Taraldsvikelva"]


def test_drawing(tmp_path: Path) -> None:
    png, pdf = label.draw(label.label_of(DEMO, DEMO.node(21), "0242ac110002"), tmp_path)
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert pdf.read_bytes()[:4] == b"%PDF"


def test_drawing_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label, "TYPEFACE", "NoSuchTypeface.ttf")
    with pytest.raises(Trouble, match="no_label_package"):
        label.draw(label.label_of(DEMO, DEMO.node(21), "0242ac110002"), tmp_path)


@pytest.mark.parametrize("letter", "æøåÆØÅ")
def test_norwegian_letters_are_in_the_typeface(letter: str) -> None:
    typeface = ImageFont.truetype(label.TYPEFACE, 24)
    assert bytes(typeface.getmask(letter)) != bytes(typeface.getmask("\uffff"))
