import pytest

from device_configs import emissions as module
from device_configs.emissions import CarrierFactors, YearFactor, emissions
from device_configs.problem import ConfigError


def test_the_table_of_this_version() -> None:
    electricity = emissions().of("electricity")
    assert electricity is not None
    assert [factor.year for factor in electricity.years] == sorted(
        factor.year for factor in electricity.years
    )
    assert electricity.at(2020) == YearFactor(year=2020, g_per_kwh=8.0)
    assert emissions().of("peat") is None


def test_the_last_year_before() -> None:
    years = (YearFactor(year=2019, g_per_kwh=17.0), YearFactor(year=2022, g_per_kwh=19.0))
    factors = CarrierFactors(carrier="x", source="s", years=years)
    assert factors.at(2021) == factors.years[0]
    assert factors.at(2018) is None


def test_a_broken_table_is_told_of(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "emissions.yaml"
    file.write_text("carriers: none\n")
    monkeypatch.setattr(module, "FILE", file)
    emissions.cache_clear()
    with pytest.raises(ConfigError, match="has to be a list"):
        emissions()
    emissions.cache_clear()
