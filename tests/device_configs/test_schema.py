import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from device_configs.catalog import builtin_catalog
from device_configs.schema import Derived, Parameter, Profile, SensorOutput, channel_key, rom_crc8
from wire.quantities import BY_NAME


@pytest.mark.parametrize(
    ("name", "quantity", "key"),
    [
        ("up", "loop_ua", "up_loop_ua"),
        ("distance", "distance_mm", "distance_mm"),
        ("import_power", "power_w", "import_power_w"),
        ("import_reactive_energy", "reactive_energy_varh", "import_reactive_energy_varh"),
        ("l1", "current_ma", "l1_current_ma"),
        ("up_level_mm", "level_mm", "up_level_mm"),
        ("battery", "voltage_mv", "battery_voltage_mv"),
    ],
)
def test_channel_key(name: str, quantity: str, key: str) -> None:
    assert channel_key(name, quantity) == key


def test_rom_crc8_of_the_maker_s_example() -> None:
    # Maxim application note 27, figure 5: the ROM 02 1C B8 01 00 00 00 has the CRC A2.
    assert rom_crc8(bytes.fromhex("021cb801000000")) == 0xA2
    assert rom_crc8(bytes.fromhex("021cb801000000a2")) == 0


@given(st.binary(min_size=7, max_size=7), st.integers(0, 63))
def test_rom_crc8_catches_every_single_wrong_bit(rom: bytes, bit: int) -> None:
    whole = bytearray(rom + bytes([rom_crc8(rom)]))
    assert rom_crc8(bytes(whole)) == 0
    whole[bit // 8] ^= 1 << bit % 8
    assert rom_crc8(bytes(whole)) != 0


def parameter(**fields: Any) -> Parameter:
    return Parameter.model_validate({"meaning": "m", **fields})


@pytest.mark.parametrize(
    ("fields", "value", "trouble"),
    [
        ({"kind": "number", "lo": 0, "hi": 3}, 3, None),
        ({"kind": "number", "lo": 0, "hi": 3}, 4, "4 is not between 0 and 3"),
        ({"kind": "number"}, 1.5, "has to be a whole number"),
        ({"kind": "number"}, True, "has to be a whole number"),
        ({"kind": "number"}, None, "has to be a whole number"),
        ({"kind": "text", "choices": ("a", "b")}, "b", None),
        ({"kind": "text", "choices": ("a", "b")}, "c", "`c` is none of: a, b"),
        ({"kind": "text"}, 5, "has to be text: put it in quotes"),
        ({"kind": "text"}, ["a"], "has to be text"),
        ({"kind": "rom"}, "28de310000000080", None),
        ({"kind": "rom"}, "28DE310000000080", "has to be 16 hexadecimal digits (0-9, a-f)"),
        ({"kind": "rom"}, "28de3100000000", "has to be 16 hexadecimal digits (0-9, a-f)"),
        (
            {"kind": "rom"},
            "28de310000000081",
            "28de310000000081 is misread: its last two digits do not match the others",
        ),
    ],
)  # fmt: skip
def test_parameter_trouble(fields: dict[str, Any], value: object, trouble: str | None) -> None:
    assert parameter(**fields).trouble(value) == trouble


def test_a_default_has_to_be_allowed() -> None:
    with pytest.raises(ValidationError, match="`default` 9 is not between 0 and 3"):
        parameter(kind="number", lo=0, hi=3, default=9)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"at_high": 40_000}, "`at_high` 40000: `loop_ua` carries 0 to 32767"),
        ({"fault_below": 4000, "at_low": 3800}, "limits have to rise"),
    ],
)
def test_output_limits(limits: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SensorOutput.model_validate({"name": "loop", "quantity": "loop_ua", **limits})


def test_a_derived_name_ends_in_its_unit() -> None:
    with pytest.raises(ValidationError, match="`name` has to end in `level_mm`"):
        Derived(name="up_level", quantity="level_mm", rising=True)


def profile(**changes: Any) -> dict[str, Any]:
    return {
        "name": "p",
        "title": "P",
        "schema_id": 9,
        "power": "mains",
        "batch_s": 60,
        "interval": {"lo_s": 1, "default_s": 60, "hi_s": 600},
        "sensors": {"a": "battery"},
        "channels": [{"name": "a", "quantity": "voltage_mv", "sensor": "a"}],
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"channels": [{"name": "a", "quantity": "voltage_mv", "sensor": "a"}] * 2},
            "two channels have the same name",
        ),
        (
            {
                "channels": [
                    {"name": "a", "quantity": "voltage_mv", "sensor": "a"},
                    {"name": "a_voltage", "quantity": "voltage_mv", "sensor": "a"},
                ]
            },
            "the same key",
        ),
        ({"channels": [{"name": "a", "quantity": "voltage_mv", "sensor": "b"}]}, "has no sensor `b`"),
        ({"power": "battery"}, "a battery profile has `battery` limits"),
        ({"batch_s": None}, "a mains profile has `batch_s`"),
        ({"interval": {"lo_s": 100, "default_s": 60, "hi_s": 600}}, "has to rise: lo_s, default_s, hi_s"),
        ({"channels": []}, "at least 1"),
    ],
)
def test_profiles_that_can_not_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate_json(json.dumps(profile(**changes)))
    assert message in str(caught.value)


def test_schemas_on_the_wire_never_change() -> None:
    """Records of these schemas are in stores and on their way: a new list of channels gets a new id."""
    profiles = builtin_catalog().profiles.values()
    assert {p.schema_id: [c.key for c in p.channels] for p in profiles} == {
        1: ["up_loop_ua", "down_loop_ua", "water_temp_cc", "air_temp_cc", "battery_voltage_mv"],
        2: ["distance_mm", "spread_mm", "air_temp_cc", "battery_voltage_mv"],
        3: [
            "import_power_w", "export_power_w", "import_energy_wh", "export_energy_wh",
            "import_reactive_var", "export_reactive_var",
            "l1_current_ma", "l2_current_ma", "l3_current_ma", "l1_phase_dv", "l2_phase_dv", "l3_phase_dv",
            "import_reactive_energy_varh", "export_reactive_energy_varh",
        ],
        4: ["pulses"],
        5: [
            "import_power_w", "export_power_w", "import_energy_wh", "export_energy_wh",
            "l1_current_ma", "l2_current_ma", "l3_current_ma", "l1_phase_dv", "l2_phase_dv", "l3_phase_dv",
            "import_reactive_energy_varh", "export_reactive_energy_varh",
        ],
        6: ["import_energy_wh"],
    }  # fmt: skip
    assert {p.name: p.quantities for p in profiles} == {
        "intake": (1, 1, 3, 3, 4),
        "snow": (2, 6, 3, 4),
        "energy": (9, 9, 13, 13, 10, 10, 11, 11, 11, 12, 12, 12, 14, 14),
        "rain": (15,),
        "energy-modbus": (9, 9, 13, 13, 11, 11, 11, 12, 12, 12, 14, 14),
        "energy-pulses": (13,),
    }


def test_channel_by_name() -> None:
    intake = builtin_catalog().profiles["intake"]
    assert intake.channel("water").quantity == "temp_cc"
    with pytest.raises(KeyError):
        intake.channel("snow")


def test_every_derived_quantity_exists() -> None:
    for p in builtin_catalog().profiles.values():
        for channel in p.channels:
            assert channel.derived is None or channel.derived.quantity in BY_NAME
