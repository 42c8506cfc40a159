"""Every quantity has a unit that people read."""

import pytest

from gateway.web.units import shown
from wire.quantities import QUANTITIES


@pytest.mark.parametrize(
    ("key", "value", "unit", "number", "places"),
    [
        ("up_level_mm", 843, "cm", 84.3, 0),
        ("depth_mm", 512, "cm", 51.2, 0),
        ("import_power_w", 4210, "kW", 4.21, 2),
        ("import_power_w", 42_100, "kW", 42.1, 1),
        ("import_power_w", 421_000, "kW", 421.0, 0),
        ("water_corrected_temp_cc", -35, "°C", -0.35, 1),
        ("battery_voltage_mv", 3580, "V", 3.58, 2),
        ("l1_phase_dv", 2310, "V", 231.0, 0),
        ("import_reactive_energy_varh", 1000, "kvarh", 1.0, 2),
        ("rain_um", 12_345, "mm", 12.345, 1),
        ("something_new", 7, "", 7.0, 0),
    ],
)
def test_values_as_people_read_them(key: str, value: int, unit: str, number: float, places: int) -> None:
    how = shown(key)
    assert how.unit == unit
    assert how.of(value) == pytest.approx(number)
    assert how.places(how.of(value)) == places


def test_the_wire_and_the_page_agree_on_scale() -> None:
    """What is shown is the wire's integer times its scale, in a decimal multiple of its unit."""
    for quantity in QUANTITIES.values():
        how = shown(quantity.name)
        if how.unit:
            ratio = how.factor / quantity.scale
            assert ratio in (1, 0.1, 0.001), quantity.name
