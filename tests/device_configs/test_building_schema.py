import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from device_configs.building_schema import (
    Building,
    EventPeriod,
    Initiative,
    Meter,
    OutdoorTemperature,
    UseHours,
)

INITIATIVE = {
    "id": "i", "what": "w", "where": "w", "goal": "g", "evidence": "e", "status": "done",
    "since": "2026-02-01",
}  # fmt: skip
BUILDING = {"id": "b", "name": "B", "heated_area_m2": 100, "area_source": "s"}


def initiative(**changes: Any) -> Initiative:
    return Initiative.model_validate_json(json.dumps({**INITIATIVE, **changes}))


def building(**changes: Any) -> Building:
    return Building.model_validate_json(json.dumps({**BUILDING, **changes}))


def test_what_is_left_out_of_a_building() -> None:
    plain = building()
    assert plain.counted_carriers == ("electricity",)
    assert (plain.in_use, plain.tariff, plain.caretaker, plain.price_ore_per_kwh) == (None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counted_carriers": []}, "at least 1 item"),
        ({"counted_carriers": ["oil", "oil"]}, "names something twice"),
        ({"counted_carriers": ["water"]}, "Input should be 'electricity'"),
        ({"price_ore_per_kwh": -1}, "greater than or equal to 0"),
    ],
)
def test_buildings_that_can_not_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        building(**changes)


def test_where_the_temperature_comes_from() -> None:
    assert OutdoorTemperature(node=22, key="air_temp_cc").series is None
    assert OutdoorTemperature(series="airport").node is None
    for wrong, message in (
        ({}, "say `node` with `key`, or `series`"),
        ({"node": 22}, "`node` and `key` go together"),
        ({"key": "air_temp_cc", "series": "airport"}, "`node` and `key` go together"),
    ):
        with pytest.raises(ValidationError, match=message):
            OutdoorTemperature.model_validate(wrong)


def test_swaps_are_in_order() -> None:
    def meter(*moments: str) -> Meter:
        swaps = [{"at": moment, "meter_factor": 2, "source": "s"} for moment in moments]
        return Meter.model_validate_json(json.dumps({"node": 1, "source": "s", "swaps": swaps}))

    assert len(meter("2026-01-01T10:00:00Z", "2026-02-01T10:00:00Z").swaps) == 2
    for moments in (("2026-02-01T10:00:00Z", "2026-01-01T10:00:00Z"), ("2026-02-01T10:00:00Z",) * 2):
        with pytest.raises(ValidationError, match="in order of time"):
            meter(*moments)


def test_hours_of_use() -> None:
    assert UseHours(weekdays=("mon",), from_h=0, to_h=24).to_h == 24
    with pytest.raises(ValidationError, match="`to_h` has to be later"):
        UseHours(weekdays=("mon",), from_h=8, to_h=8)
    with pytest.raises(ValidationError, match="twice"):
        UseHours(weekdays=("mon", "mon"), from_h=7, to_h=8)


def test_an_initiative_claims_until_it_is_shown() -> None:
    plain = initiative()
    assert (plain.proof, plain.counts.improvements, plain.after) == ("claimed", 0, date(2026, 2, 1))
    assert initiative(work_until="2026-03-01").after == date(2026, 3, 1)
    with pytest.raises(ValidationError, match="`work_until` lies before `since`"):
        initiative(work_until="2026-01-01")
    with pytest.raises(ValidationError, match="the year 1026 can not be meant"):
        initiative(since="1026-02-01")


def test_an_event_ends_after_it_begins() -> None:
    event = {"id": "e", "name": "E", "first_day": "2026-03-06", "last_day": "2026-03-05"}
    with pytest.raises(ValidationError, match="`last_day` lies before `first_day`"):
        EventPeriod.model_validate_json(json.dumps(event))
