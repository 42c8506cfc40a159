"""A node's use of air, law and battery, against what the frames and the law's own numbers say."""

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.radio_plan import plan
from device_configs.radio_schema import Lora
from wire.records import Record, encode

CATALOG = builtin_catalog()
INTAKE, SNOW = CATALOG.profiles["intake"], CATALOG.profiles["snow"]
LORA = Lora(frequency_khz=869_525, spreading_factor=9, bandwidth_khz=125, power_dbm=14)


def test_a_report_is_as_long_as_the_encoder_makes_it() -> None:
    for profile, values in ((INTAKE, (9000, 8000, 312, -600, 3600)), (SNOW, (2400, 4, -600, 3600))):
        record = Record(70_000, 1_795_000_000, values, (0,) * len(values))
        _, body = encode(profile.schema_id, profile.quantities, 1, None, [record])
        assert plan(profile, LORA, 600).report_bytes == 6 + len(body) + 8


def test_duty_at_ten_minutes_and_in_an_event() -> None:
    found = plan(INTAKE, LORA, 600, 60)
    assert found.permille == pytest.approx((6 * found.airtime_ms * 1.25 + 740 / 24) * 1000 / 360_000, rel=0.1)
    assert found.worst_permille > 8 * found.permille
    assert found.lawful


def test_what_the_law_forbids() -> None:
    slow = Lora(frequency_khz=868_100, spreading_factor=12, bandwidth_khz=125, power_dbm=14)
    assert plan(INTAKE, slow, 600).lawful
    assert not plan(INTAKE, slow, 600, 60).lawful
    two = Lora(
        frequency_khz=868_100, channels_khz=(867_100,), spreading_factor=12, bandwidth_khz=125, power_dbm=14
    )
    assert plan(INTAKE, two, 600).permille == pytest.approx(plan(INTAKE, slow, 600).permille / 2)


def test_years() -> None:
    sensors = {"ranger": {"pings": 11}}
    snow = plan(SNOW, LORA, 600, sensors=sensors, warmup_ms=200)
    assert snow.years is not None
    assert snow.years_cold is not None
    assert 4 < snow.years < 9
    assert snow.years_cold == pytest.approx(snow.years * 0.6)
    often = plan(SNOW, LORA, 300, sensors=sensors, warmup_ms=200)
    assert often.years is not None
    assert often.years < snow.years * 0.65
    assert plan(CATALOG.profiles["energy"], LORA, 60).years is None


def test_nodes_per_gateway() -> None:
    eight = LORA.model_copy(
        update={
            "frequency_khz": 868_100,
            "channels_khz": (868_300, 868_500, 867_100, 867_300, 867_500, 867_700),
        }
    )
    assert plan(INTAKE, eight, 600).nodes > 200  # the soak has 200
    assert plan(INTAKE, eight, 60).nodes < plan(INTAKE, eight, 600).nodes / 5
    assert plan(INTAKE, LORA, 600).nodes < plan(INTAKE, eight, 600).nodes
