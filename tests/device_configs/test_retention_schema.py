"""Retention is optional, and can not be set so that nodes or people come to harm."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from device_configs.loader import SITES, ConfigError, load_site
from device_configs.retention_schema import Retention
from tests.device_configs.conftest import Breaking


def test_left_out_everything_synced_stays_while_there_is_room() -> None:
    found = load_site(SITES / "narvik-demo").retention
    assert found == Retention()
    assert (found.readings_days, found.daily_days, found.alerts_days) == (None, None, None)
    assert (found.store_mb, found.watermark_percent, found.names_days) == (4096, 60, 1826)


@pytest.mark.parametrize(
    "given",
    [
        {"readings_days": 59},
        {"store_mb": 63},
        {"watermark_percent": 81},
        {"hourly_days": 34},
        {"names_days": 0},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Retention(**given)


def test_check_says_where(breaking: Breaking, folder: Path) -> None:
    (problem,) = breaking("site.yaml", "demo: true\n", "demo: true\nretention: {readings_days: 30}\n")
    assert "site.yaml:5" in problem.pretty()
    assert "30 is too small: at least 60" in problem.pretty()
    with pytest.raises(ConfigError):
        load_site(folder)
