import pytest

from gateway.snow.callout import callout_mm, callout_share


@pytest.mark.parametrize(("air_c", "limit"), [(-2.1, 100), (-2.0, 50), (0.5, 50), (-25, 100), (None, 50)])
def test_wet_snow_is_ploughed_sooner(air_c: float | None, limit: float) -> None:
    assert callout_mm(air_c) == limit
    assert callout_share(limit, air_c) == 100
