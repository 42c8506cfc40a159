"""The wiring drawings are those of the boards as they are described now."""

import re
from contextlib import suppress
from xml.etree import ElementTree

import pytest

from device_configs.catalog import builtin_catalog
from hardware.drawings import FOLDER, drawing, drawings, own_drawing, own_parts, parts

ALL = dict(drawings())


def test_each_profile_and_each_board_is_drawn_and_no_drawing_is_left_over() -> None:
    catalog = builtin_catalog()
    stems = {path.stem for path in ALL}
    for profile in catalog.profiles:
        assert any(f"{profile}-{board}" in stems for board in catalog.boards), profile
    assert {f"board-{board}" for board in catalog.boards} <= stems
    assert set(FOLDER.glob("*.svg")) == set(ALL)


def test_every_pin_of_a_board_is_in_a_drawing() -> None:
    """So somebody who wires by them has all of it."""
    catalog = builtin_catalog()
    for board in catalog.boards.values():
        drawn = own_drawing(board)
        for profile in catalog.profiles.values():
            with suppress(LookupError):
                drawn += drawing(board, profile, catalog)
        found = {int(number) for number in re.findall(r"GPIO (\d+)", drawn)}
        assert found == set(board.pins().values()), board.name


def test_a_radio_is_wired_as_the_board_is_described() -> None:
    board = builtin_catalog().boards["generic-esp32-sx1262"]
    radio, light, button = own_parts(board)
    assert board.sx1262
    wires = {wire.part: wire.board for wire in radio.wires}
    assert wires["NSS"] == f"GPIO {board.sx1262.cs}" == "GPIO 5"
    assert wires["BUSY"] == "GPIO 26"
    assert [wire.board for wire in light.wires] == ["GPIO 2", "GND"]
    assert [wire.board for wire in button.wires] == ["GPIO 0", "GND"]


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
