"""The wiring drawings are those of the boards as they are described now."""

import re
from xml.etree import ElementTree

import pytest

from device_configs.catalog import builtin_catalog
from hardware.drawings import FOLDER, drawings, parts

ALL = dict(drawings())


def test_each_profile_has_a_board_and_no_drawing_is_left_over() -> None:
    drawn = {path.stem.split("-")[0] for path in ALL}
    assert {name.split("-")[0] for name in builtin_catalog().profiles} == drawn
    assert set(FOLDER.glob("*.svg")) == set(ALL)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_drawing_is_current_and_fetches_nothing(path) -> None:  # type: ignore[no-untyped-def]
    text = ALL[path]
    assert path.read_text() == text, "make them anew: python -m hardware.drawings"
    ElementTree.fromstring(text)
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}


def test_a_wire_leads_to_the_pin_the_firmware_uses() -> None:
    catalog = builtin_catalog()
    for board in catalog.boards.values():
        pins = {f"GPIO {pin}" for pin in board.pins().values()}
        for profile in catalog.profiles.values():
            try:
                found = parts(board, profile, catalog)
            except LookupError:
                continue
            wired = {wire.board for part in found for wire in part.wires if wire.board.startswith("GPIO")}
            assert wired <= pins
            assert wired
