from device_configs.emissions import emissions
from gateway.energy.co2 import co2, co2_by_year


def test_by_year() -> None:
    found = co2_by_year({2020: 100_000, 2019: 100_000}, "electricity", emissions())
    assert {year: value and value.grams for year, value in found.items()} == {2019: 1700, 2020: 800}


def test_a_year_without_a_factor_says_whose_it_uses() -> None:
    found = co2(100_000, "electricity", 2026, emissions())
    assert found is not None
    assert (found.grams, found.g_per_kwh, found.year) == (1500, 15, 2023)
    assert "NVE" in found.source


def test_no_factor_is_not_zero() -> None:
    assert co2(100_000, "electricity", 2018, emissions()) is None
    assert co2(100_000, "district_heat", 2023, emissions()) is None
