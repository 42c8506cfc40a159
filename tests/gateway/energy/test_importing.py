import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from device_configs.import_schema import Mapping, Target
from gateway.energy.given import Given, hours_of
from gateway.energy.importing import Parsed, parse
from tests.gateway.energy.series import at, local

FILE = Path("export.csv")
HOURLY = {
    "source": "Elhub", "kind": "intervals", "timezone": "Europe/Oslo", "interval_min": 60,
    "time_format": "%d.%m.%Y %H:%M", "columns": {"start": "Fra", "value": "kWh"},
    "target": {"building": "town-hall"},
}  # fmt: skip


def mapping(**changes: Any) -> Mapping:
    return Mapping.model_validate_json(json.dumps({**HOURLY, **changes}))


def parsed(text: str, **changes: Any) -> Parsed:
    return parse(text, mapping(**changes), FILE)


def values(text: str, **changes: Any) -> list[Given]:
    found = parsed(text, **changes)
    assert [problem.message for problem in found.problems] == []
    (series,) = found.values.values()
    return series


def said(text: str, **changes: Any) -> list[str]:
    return [f"{problem.line}: {problem.message}" for problem in parsed(text, **changes).problems]


def test_hours_in_local_time_with_a_decimal_comma() -> None:
    text = "Fra;kWh\n01.01.2026 00:00;1 234,567\n01.01.2026 01:00;0\n"
    start = at("2025-12-31 23:00")
    assert values(text) == [Given(start, start + 3600, 1_234_567), Given(start + 3600, start + 7200, 0)]


def test_no_value_is_a_gap_and_not_zero() -> None:
    assert len(values("Fra;kWh\n01.01.2026 00:00;1,5\n01.01.2026 01:00;\n\n")) == 1


def test_the_hour_that_comes_twice_is_told_by_its_order() -> None:
    lines = [f"25.10.2026 0{h}:00;{kwh}" for h, kwh in ((1, 1), (2, 2), (2, 3), (3, 4))]
    expected = [(local("2026-10-25 01:00") + 3600 * i, 1000 * (i + 1)) for i in range(4)]
    for order in (lines, lines[::-1]):
        found = values("Fra;kWh\n" + "\n".join(order))
        assert [(given.start_s, given.amount) for given in found] == expected


def test_quarters_across_both_changes_of_the_clock() -> None:
    columns = {"start": "Fra", "end": "Til", "value": "kWh"}
    spring = "Fra;Til;kWh\n29.03.2026 01:45;29.03.2026 03:00;1\n29.03.2026 03:00;29.03.2026 03:15;1\n"
    autumn = "Fra;Til;kWh\n" + "".join(
        f"25.10.2026 {start};25.10.2026 {end};1\n"
        for start, end in pairwise(("2:30", "2:45", "2:00", "2:15", "2:30", "2:45", "3:00"))
    )
    for text in (spring, autumn):
        found = values(text, columns=columns, interval_min=None)
        assert {given.end_s - given.start_s for given in found} == {900}
        assert all(a.end_s == b.start_s for a, b in pairwise(found))


def test_an_hour_that_was_not_is_refused() -> None:
    assert said("Fra;kWh\n29.03.2026 01:00;1\n29.03.2026 02:00;1\n") == [
        "3: there is no 2026-03-29 02:00:00 in Europe/Oslo: the clock is put forward"
    ]


def test_the_same_hour_twice_is_refused() -> None:
    assert said("Fra;kWh\n01.01.2026 00:00;1\n01.01.2026 00:00;2\n") == [
        "3: two values begin at 2026-01-01 00:00:00"
    ]
    assert said("Fra;kWh\n2026-01-01T00:00Z;1\n2026-01-01T01:00+01:00;2\n", time_format=None) == [
        "3: two values begin at 2026-01-01 01:00:00+01:00"
    ]


def test_times_with_their_zone() -> None:
    text = "Fra;kWh\n2026-10-25T02:00+02:00;1\n2026-10-25T02:00+01:00;2\n"
    found = values(text, time_format=None, timezone="UTC")
    assert [given.start_s for given in found] == [at("2026-10-25 00:00"), at("2026-10-25 01:00")]


def test_days_have_23_24_or_25_hours() -> None:
    text = "Fra;kWh\n28.03.2026;24\n29.03.2026;23\n25.10.2026;25\n"
    found = values(text, time_format="%d.%m.%Y", interval_min=1440)
    assert [(given.end_s - given.start_s) // 3600 for given in found] == [24, 23, 25]
    assert {hour.wh for hour in hours_of(found)} == {1000}


def test_quality_is_what_the_mapping_says() -> None:
    changes = {
        "columns": {"start": "Fra", "value": "kWh", "quality": "Kvalitet"},
        "quality": {"Målt": "measured", "Estimert": "estimated"},
    }
    text = "Fra;kWh;Kvalitet\n01.01.2026 00:00;1;Målt\n01.01.2026 01:00;1;Estimert\n"
    assert [given.status for given in values(text, **changes)] == ["measured", "estimated"]
    assert said(text.replace("Estimert", "Estimat"), **changes) == ["3: `Estimat` is no known quality"]


def test_several_points_and_none_is_repeated_in_a_message() -> None:
    changes = {
        "columns": {"start": "Fra", "value": "kWh", "point": "ID"},
        "target": None,
        "points": {
            "707057500000000001": {"building": "town-hall"},
            "707057500000000002": {"building": "sports-hall", "meter": "north"},
        },
    }
    text = "ID;Fra;kWh\n707057500000000001;01.01.2026 00:00;1\n707057500000000002;01.01.2026 00:00;2\n"
    found = parsed(text, **changes)
    assert {(t.building, t.meter): v[0].amount for t, v in found.values.items()} == {
        ("town-hall", "main"): 1000,
        ("sports-hall", "north"): 2000,
    }
    (message,) = said(text.replace("0001;", "0003;"), **changes)
    assert message == "2: the mapping has no point like the one in column `ID`"


def test_the_watt_hours_of_a_crooked_unit_add_up() -> None:
    text = "Fra;kWh\n" + "".join(f"01.01.2026 {h:02}:00;0,0001\n" for h in range(20))
    assert sum(given.amount for given in values(text)) == 2


def test_everything_wrong_is_told_with_its_line() -> None:
    text = (
        "Fra;kWh\n1.1;1\n01.01.2026 00:00;x\n01.01.2026 01:00;1.5\n01.01.2026 02:00;-1\n01.01.2026 03:00;1\n"
    )
    assert said(text) == [
        "2: `1.1` is no time written as %d.%m.%Y %H:%M",
        "3: `x` is no number",
        "4: `1.5` is no number with the decimal sign `,`",
        "5: -1 is negative",
    ]
    problem = parsed("Fra;kwh\n").problems[0]
    assert (problem.line, problem.message, problem.hint) == (
        1,
        "there is no column `kWh`",
        "did you mean `kwh`?",
    )
    assert said("") == ["1: there is no column `Fra`", "1: there is no column `kWh`"]
    assert said("Fra;kWh\n") == ["1: there are no values below the header"]


def test_lines_before_the_header_and_a_byte_order_mark() -> None:
    text = "\ufeffExport\nmade 1.1.2026\nFra;kWh\n01.01.2026 00:00;1\n01.01.2026 01:00;x\n"
    assert said(text, skip_lines=2) == ["5: `x` is no number"]


READ = {
    "kind": "readings", "interval_min": None, "time_format": "%d.%m.%Y", "unit": "MWh",
    "target": {"building": "town-hall", "carrier": "district_heat"},
}  # fmt: skip


def test_readings_by_hand() -> None:
    text = "Fra;kWh\n01.02.2026;120,5\n01.01.2026;100\n01.03.2026;135,25\n"
    assert [given.amount for given in values(text, **READ)] == [20_500_000, 14_750_000]


def test_a_meter_that_goes_back_is_no_negative_energy() -> None:
    (message,) = said("Fra;kWh\n01.01.2026;100\n01.02.2026;3\n", **READ)
    assert message.startswith("3: from 100 to 3 the meter goes back or jumps (reset)")


def test_fuel_and_water() -> None:
    oil = {"unit": "l", "kwh_per_unit": 10, "target": {"building": "town-hall", "carrier": "oil"}}
    assert values("Fra;kWh\n01.01.2026;0\n01.02.2026;300\n", **{**READ, **oil})[0].amount == 3_000_000
    water = {"unit": "m3", "target": {"building": "town-hall", "carrier": "water"}}
    assert values("Fra;kWh\n01.01.2026;5\n01.02.2026;7,5\n", **{**READ, **water})[0].amount == 2500


def test_temperatures_may_be_negative() -> None:
    found = parsed("Fra;kWh\n01.01.2026 00:00;-12,34\n", unit="Cel", target={"temperature": "airport"})
    assert found.values == {
        Target(temperature="airport"): [Given(at("2025-12-31 23:00"), at("2026-01-01 00:00"), -1234)]
    }
