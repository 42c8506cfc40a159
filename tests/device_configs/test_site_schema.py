import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from device_configs.site_schema import Calibration, IntakeGeometry, SiteFile

CALIBRATION = {
    "channel": "up", "revision": 1, "valid_from": "2026-03-29T01:30:00+01:00",
    "raw0": 4000, "value0": 0, "raw1": 20000, "value1": 3000, "source": "s",
}  # fmt: skip


def calibration(**changes: Any) -> Calibration:
    return Calibration.model_validate_json(json.dumps({**CALIBRATION, **changes}))


def test_moments_become_utc() -> None:
    assert calibration().valid_from == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert calibration(valid_from="2026-03-29T00:30:00Z").valid_from.utcoffset() == UTC.utcoffset(None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"valid_from": "2026-03-29T01:30:00"}, "timezone"),
        ({"valid_from": "1999-12-31T23:00:00Z"}, "the year 1999 can not be meant"),
        ({"valid_from": "9999-12-31T23:59:59-01:00"}, "the year 9999 can not be meant"),
        ({"raw1": 4000}, "have to differ"),
        ({"value1": 0}, "have to differ"),
        ({"raw0": 4000.5}, "valid integer"),
        ({"revision": 0}, "greater than or equal to 1"),
    ],
)
def test_calibrations_that_can_not_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        calibration(**changes)


def geometry(**changes: Any) -> IntakeGeometry:
    levels = {"invert_mm": 0, "grate_mm": 0, "soffit_mm": 1000, "up_zero_mm": 0, "down_zero_mm": 0}
    return IntakeGeometry.model_validate({"kind": "intake", "datum": "d", **levels, **changes})


def test_a_curve_takes_enough_measurements() -> None:
    gauging = {"down_mm": 100, "discharge_l_per_s": 20.0}
    clean = {"up_mm": 110, "down_mm": 100}
    assert len(geometry(gaugings=(gauging,) * 4, clean_levels=(clean,) * 2).gaugings) == 4
    for changes in (
        {"gaugings": (gauging,) * 3},
        {"clean_levels": (clean,) * 2},
        {"gaugings": (gauging,) * 4, "clean_levels": (clean,)},
    ):
        with pytest.raises(ValidationError, match=r"four `gaugings`|needs `gaugings`"):
            geometry(**changes)


def test_geometry_is_the_right_way_up() -> None:
    assert geometry().soffit_mm == 1000
    for changes in ({"soffit_mm": 0}, {"grate_mm": 1000}, {"invert_mm": 2000}):
        with pytest.raises(ValidationError, match="has to lie above"):
            geometry(**changes)


@pytest.mark.parametrize("zone", ["Europe/Oslo", "UTC", "America/Argentina/Salta"])
def test_zones(zone: str) -> None:
    assert site(timezone=zone).timezone == zone


@pytest.mark.parametrize("zone", ["", "Europe", "../etc/passwd", "/etc/localtime", "Oslo", "a\x00b"])
def test_zones_that_are_none(zone: str) -> None:
    with pytest.raises(ValidationError, match="unknown time zone"):
        site(timezone=zone)


def site(**changes: Any) -> SiteFile:
    plain = {
        "id": "s", "name": "S", "timezone": "UTC", "latitude": 60, "longitude": 10.5,
        "gateway_id": "00000001", "contact": {"role": "r"},
    }  # fmt: skip
    return SiteFile.model_validate_json(json.dumps({**plain, **changes}))


def test_a_site_is_real_unless_it_says_so() -> None:
    assert site().demo is False
    assert site().languages == ("nb", "en")
