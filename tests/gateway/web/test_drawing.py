"""The drawings are true to scale and stay inside their frame."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_configs.site_schema import IntakeGeometry
from gateway.web.drawing import INTAKE_HEIGHT, INTAKE_WIDTH, STAKE_HEIGHT, STAKE_WIDTH, intake, stake

GEOMETRY = IntakeGeometry(
    kind="intake", datum="-", invert_mm=0, grate_mm=-50, soffit_mm=1200, up_zero_mm=-200, down_zero_mm=-100
)
levels = st.none() | st.integers(-300, 6000).map(float)


def corners(polygon: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in polygon.split())]


def test_heights_are_to_scale() -> None:
    drawn = intake(GEOMETRY, 900, 300, 960)
    assert drawn.up is not None
    assert drawn.down is not None
    assert drawn.limit is not None
    per_mm = (drawn.down.y - drawn.up.y) / 600
    assert (drawn.up.y - drawn.soffit.y) / 300 == pytest.approx(per_mm, rel=0.02)
    assert (drawn.up.y - drawn.limit.y) / 60 == pytest.approx(per_mm, rel=0.05)
    assert drawn.bracket == (drawn.up.y, drawn.down.y)


def test_levels_too_close_to_tell_apart_have_no_bracket() -> None:
    assert intake(GEOMETRY, 500, 495).bracket is None


def test_a_culvert_that_runs_full_is_full_to_its_ceiling_and_no_further() -> None:
    drawn = intake(GEOMETRY, 1900, 1800)
    assert drawn.down is not None
    assert drawn.down_water is not None
    assert drawn.down.y == drawn.soffit.y
    inside = [y for x, y in corners(drawn.down_water) if x == INTAKE_WIDTH]
    assert min(inside) == drawn.soffit.y


def test_without_levels_there_is_no_water() -> None:
    drawn = intake(GEOMETRY, None, None)
    assert (drawn.up_water, drawn.down_water, drawn.bracket, drawn.limit) == (None, None, None, None)


@given(levels, levels, st.none() | st.integers(0, 2000).map(float))
def test_everything_is_inside_the_frame(up: float | None, down: float | None, limit: float | None) -> None:
    drawn = intake(GEOMETRY, up, down, limit)
    polygons = [p for p in (drawn.bed, drawn.bank, drawn.culvert, drawn.up_water, drawn.down_water) if p]
    for x, y in (corner for polygon in polygons for corner in corners(polygon)):
        assert 0 <= x <= INTAKE_WIDTH
        assert 0 <= y <= INTAKE_HEIGHT


def test_labels_do_not_lie_on_each_other() -> None:
    for down in range(0, 1000, 50):
        drawn = intake(GEOMETRY, 1000, down)
        assert drawn.down is not None
        if drawn.bracket:
            assert abs(drawn.bracket_label_y - drawn.down.label_y) >= 14.9


def test_a_stake_shows_depth_to_scale() -> None:
    drawn = stake(500, 100, 3500)
    assert drawn.surface_y is not None
    assert drawn.old_y is not None
    at = {tick.label: tick.y for tick in drawn.ticks}
    assert drawn.surface_y == pytest.approx((at["40"] + at["60"]) / 2, abs=0.2)
    assert drawn.old_y == pytest.approx(at["40"], abs=0.2)


def test_a_stake_grows_with_the_snow_up_to_the_ranger() -> None:
    assert [tick.label for tick in stake(2000, None, 3500).ticks][-1] == "250"
    assert float(stake(9000, None, 2600).surface_y or 0) >= 4


def test_no_depth_is_a_bare_stake_and_no_fresh_snow_is_none() -> None:
    assert stake(None, None, 3500).snow == ""
    assert stake(500, -20, 3500).fresh is None


@given(st.integers(-100, 9000).map(float), st.none() | st.integers(-500, 3000).map(float))
def test_snow_stays_inside_the_frame(depth: float, fresh: float | None) -> None:
    drawn = stake(depth, fresh, 3500)
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", drawn.snow + (drawn.fresh or ""))]
    assert all(-1 <= n <= max(STAKE_WIDTH, STAKE_HEIGHT) for n in numbers)
