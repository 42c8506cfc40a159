from typing import Any

import pytest
from pydantic import ValidationError

from device_configs.board import Board
from device_configs.catalog import builtin_catalog

PLAIN: dict[str, Any] = {"name": "b", "title": "B", "chip": "esp32", "flash_mb": 4, "source": "s"}


def test_pins_by_place() -> None:
    board = Board.model_validate({**PLAIN, "i2c": {"bus": 0, "scl": 22, "sda": 21}, "button": {"pin": 0}})
    assert board.pins() == {"i2c.scl": 22, "i2c.sda": 21, "button.pin": 0}


def test_pins_left_out_are_not_there() -> None:
    board = Board.model_validate({**PLAIN, "uart": {"bus": 2, "rx": 16}})
    assert board.pins() == {"uart.rx": 16}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"onewire": {"pin": 4}, "led": {"pin": 4}}, "pin 4 is given to both `onewire.pin` and `led.pin`"),
        ({"led": {"pin": 6}}, "`led.pin`: pin 6 of the esp32 belongs to its flash or USB"),
        ({"led": {"pin": 24}}, "`led.pin`: the esp32 has no pin 24"),
        ({"pulse": {"pin": 34}}, "`pulse.pin`: pin 34 of the esp32 is an input only"),
        ({"led": {"pin": 34}}, "`led.pin`: pin 34 of the esp32 is an input only"),
        (
            {"battery": {"pin": 4, "divider_permille": 2000}},
            "`battery.pin`: pin 4 of the esp32 is no input of ADC1",
        ),
        (
            {"battery": {"pin": 34, "divider_permille": 2000, "enable_pin": 35}},
            "`battery.enable_pin`: pin 35 of the esp32 is an input only",
        ),
        ({"chip": "esp32s3", "led": {"pin": 19}}, "pin 19 of the esp32s3 belongs to its flash or USB"),
        ({"chip": "esp32s3", "led": {"pin": 23}}, "the esp32s3 has no pin 23"),
    ],
)
def test_pins_that_can_not_be(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Board.model_validate({**PLAIN, **parts})
    assert message in str(caught.value)


def test_inputs_may_be_input_only() -> None:
    board = Board.model_validate({**PLAIN, "button": {"pin": 39}, "uart": {"bus": 1, "rx": 36}})
    assert board.pins() == {"uart.rx": 36, "button.pin": 39}


def test_every_lora_board_names_all_pins_of_its_radio() -> None:
    for board in builtin_catalog().boards.values():
        pins = {place.split(".")[1] for place in board.pins() if place.startswith("sx1262.")}
        assert pins in ({"sck", "mosi", "miso", "cs", "busy", "dio1", "reset"}, set())
