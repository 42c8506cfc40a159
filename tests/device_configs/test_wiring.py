from collections.abc import Callable

from device_configs.problem import Problem

Breaking = Callable[[str, str, str], list[Problem]]


def messages(problems: list[Problem]) -> list[str]:
    return [problem.message for problem in problems]


def test_two_sensors_of_one_type_may_differ_in_address_only(breaking: Breaking) -> None:
    assert breaking("nodes.yaml", "down: {input: 1}", "down: {input: 0, address: 0x49}") == []


def test_the_same_sensor_twice(breaking: Breaking) -> None:
    problems = breaking("nodes.yaml", "down: {input: 1}", "down: {input: 0, shunt_ohm: 120}")
    assert messages(problems) == ["`down` and `up` are both the ads1115, address 72, input 0"]


def test_a_rom_belongs_to_one_node(breaking: Breaking) -> None:
    problems = breaking("nodes.yaml", "28de35000000009f", "28de310000000080")
    assert messages(problems) == ["probe 28de310000000080 belongs to node 11 already"]


def test_a_parameter_of_another_type_is_unknown(breaking: Breaking) -> None:
    problems = breaking("nodes.yaml", "{make: aidon}", "{make: aidon, rom: x}")
    assert messages(problems) == ["`meter` (han) takes no `rom`"]


def test_a_misspelt_sensor_beside_the_right_one(breaking: Breaking) -> None:
    problems = breaking("nodes.yaml", "up: {input: 0}", "up: {input: 7}\n      upp: {}")
    assert messages(problems) == ["`input` 7 is not between 0 and 3", "profile `intake` has no sensor `upp`"]


def test_board_and_sensors_have_to_fit(breaking: Breaking) -> None:
    problems = breaking("nodes.yaml", "board: generic-esp32-sx1262", "board: esp32-han")
    assert messages(problems) == [
        "board `esp32-han` has no adc input for `battery` (battery)",
        "board `esp32-han` has no i2c input for `down` (ads1115)",
        "board `esp32-han` has no i2c input for `up` (ads1115)",
        "board `esp32-han` has no onewire input for `air` (ds18b20)",
        "board `esp32-han` has no onewire input for `water` (ds18b20)",
    ]
