from datetime import date

import pytest

from gateway.energy.weather import corrected_wh, daily_means, degree_days
from tests.gateway.energy.series import OSLO, local


def test_a_day_needs_most_of_its_hours() -> None:
    start = local("2026-01-05 00:00")
    assert daily_means({start + 3600 * i: float(i) for i in range(20)}, OSLO) == {date(2026, 1, 5): 9.5}
    assert daily_means({start + 3600 * i: float(i) for i in range(19)}, OSLO) == {}
    spring = local("2026-03-29 00:00")
    assert daily_means({spring + 3600 * i: 1.0 for i in range(23)}, OSLO) == {date(2026, 3, 29): 1.0}


def test_degree_days() -> None:
    assert degree_days([-3.0, 17.0, 20.0, 16.5]) == 20.5


def test_only_the_dependent_share_is_corrected() -> None:
    # 60 % of 1000 kWh heats. A tenth fewer degree days than normal: 400 + 600 * 4400 / 4000 = 1060 kWh.
    assert corrected_wh(1_000_000, 0.6, 4000, 4400) == 1_060_000
    assert corrected_wh(1_000_000, 0.0, 0, 4400) == 1_000_000


def test_what_can_not_be_corrected_is_refused() -> None:
    with pytest.raises(ValueError, match="no degree days"):
        corrected_wh(1000, 0.5, 0, 4400)
    with pytest.raises(ValueError, match=r"share of 1\.2"):
        corrected_wh(1000, 1.2, 4000, 4400)
