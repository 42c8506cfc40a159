import shutil
from pathlib import Path

import pytest

from device_configs.catalog import ROOT, Catalog, builtin_catalog, bus_of, load_catalog
from device_configs.problem import ConfigError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("boards", "sensors", "profiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def complaints(root: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_catalog(root)
    return [f"{p.file.name}:{p.line}:{p.column}: {p.message} ({p.hint})" for p in caught.value.problems]


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_the_catalog_that_comes_along_is_right() -> None:
    catalog = builtin_catalog()
    assert set(catalog.boards) == {"generic-esp32-sx1262", "heltec-v3", "lilygo-t3s3", "esp32-han"}
    meters = {"energy", "energy-modbus", "energy-pulses"}
    assert set(catalog.profiles) == {"intake", "snow", "rain"} | meters
    assert sorted(catalog.names["profile"]) == sorted(catalog.profiles)


def test_every_channel_has_one_output() -> None:
    catalog = builtin_catalog()
    for profile in catalog.profiles.values():
        for channel in profile.channels:
            output = catalog.output(profile, channel)
            assert output is not None
            assert output.quantity == channel.quantity


def test_energy_outputs_are_named_like_the_keys() -> None:
    catalog: Catalog = builtin_catalog()
    energy = catalog.profiles["energy"]
    for channel in energy.channels:
        output = catalog.output(energy, channel)
        assert output is not None
        assert output.name == channel.key


def test_bus_of() -> None:
    board = builtin_catalog().boards["esp32-han"]
    assert bus_of(board, "uart") is board.uart
    assert bus_of(board, "i2c") is None
    assert bus_of(board, "pulse") is None


def test_a_sleeping_node_counts_no_pulses(root: Path) -> None:
    battery = "power: battery\nbattery: {stop_mv: 2900, low_mv: 3100, recover_mv: 3300}"
    replace(root / "profiles/rain.yaml", "power: mains\nbatch_s: 60", battery)
    (problem,) = complaints(root)
    assert problem.endswith("`gauge`: a node that sleeps counts no pulses (`power: mains`)")


def test_a_file_has_the_name_it_says(root: Path) -> None:
    (root / "boards/heltec-v3.yaml").rename(root / "boards/heltec-v4.yaml")
    assert complaints(root) == ["heltec-v4.yaml:1:7: the file's name says `heltec-v4` (None)"]


def test_pins_are_used_once(root: Path) -> None:
    replace(root / "boards/esp32-han.yaml", "led: {pin: 2,", "led: {pin: 16,")
    assert complaints(root) == [
        "esp32-han.yaml:2:1: the file: pin 16 is given to both `uart.rx` and `led.pin` (None)"
    ]


def test_unknown_quantity(root: Path) -> None:
    replace(root / "profiles/intake.yaml", "quantity: level_mm", "quantity: levle_mm")
    assert complaints(root) == [
        "intake.yaml:19:44: `quantity`: unknown quantity `levle_mm` (did you mean `level_mm`?)"
    ]


def test_unknown_sensor(root: Path) -> None:
    replace(root / "profiles/intake.yaml", "down: ads1115", "down: ads1151")
    assert complaints(root) == [
        "intake.yaml:11:9: `down`: unknown sensor `ads1151` (did you mean `ads1115`?)"
    ]


def test_a_broken_sensor_is_one_problem(root: Path) -> None:
    replace(root / "sensors/ads1115.yaml", "bus: i2c", "bus: i2s")
    assert complaints(root) == ['ads1115.yaml:3:6: `bus` can not be "i2s" (did you mean `i2c`?)']


def test_schema_ids_are_unique(root: Path) -> None:
    replace(root / "profiles/snow.yaml", "schema_id: 2", "schema_id: 1")
    assert complaints(root) == ["snow.yaml:4:12: `schema_id` 1 belongs to `intake` already (None)"]


def test_outputs_have_to_be_clear(root: Path) -> None:
    replace(root / "profiles/energy.yaml", "name: import_power,", "name: power,")
    (problem,) = complaints(root)
    assert problem.startswith(
        "energy.yaml:12:5: `power`: `output` has to name the one output of `han` that fits"
    )


def test_outputs_of_another_quantity_do_not_fit(root: Path) -> None:
    replace(root / "profiles/snow.yaml", "quantity: spread_mm", "quantity: pulses")
    (problem,) = complaints(root)
    assert problem.startswith("snow.yaml:18:5: `spread`: `output` has to name the one output of `mb7374`")
