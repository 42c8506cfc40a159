"""Records as CSV that Norwegian Excel opens as it is."""

import csv
import io

from gateway.web.export import csv_lines
from gateway.web.live import Live
from gateway.web.places import places
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, SITE, broken_intake, building, intake
from wire.quantities import FAULT

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")


def table(text: str, comma: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=comma))


def exported(node: int, *records: object, say: Words = NB) -> str:
    live, place = Live(SITE), places(SITE)[node]
    return "".join(csv_lines(place, ((r, live.readings(place, r)) for r in records), say))  # type: ignore[arg-type, misc]


def test_every_value_with_its_time_identity_and_quality() -> None:
    (good, bad) = table(exported(11, intake(843, 700, rssi_dbm=-61), broken_intake(NOW_S + 600)), ";")
    assert good["time_local"] == "2026-11-18 12:06:40"
    assert good["time_utc"] == "2026-11-18T11:06:40Z"
    assert (good["up_level_mm"], good["up_loop_ua_quality"]) == ("843", "0")
    assert (good["node"], good["epoch"], good["rssi_dbm"]) == ("11", "a1b2c3d4", "-61")
    assert (bad["up_level_mm"], bad["up_loop_ua_quality"]) == ("", str(FAULT))
    assert bad["down_level_mm"] != ""


def test_others_split_at_commas() -> None:
    assert table(exported(11, intake(843, 700), say=EN), ",")[0]["up_level_mm"] == "843"


def test_a_meters_factor_stands_beside_the_values_it_is_not_in() -> None:
    (row,) = table(exported(32, building(2000, node=32)), ";")
    assert (row["import_power_w"], row["meter_factor"]) == ("2000", "30")
    assert "meter_factor" not in table(exported(31, building(2000)), ";")[0]


def test_no_records_are_a_header() -> None:
    assert table(exported(11), ";") == []
