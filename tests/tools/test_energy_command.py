"""The commands of the buildings team, from a store of real records and files of other systems."""

import asyncio
import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from device_configs.loader import SITES
from gateway.energy.et_curve import Day
from gateway.energy.periods import hours_in, start_of
from gateway.model import Record
from gateway.store import STORE_NAME, Change, Store
from gateway.store.energy_book import FILE_NAME
from tests.gateway.energy.buildings import building
from tools import cli, energy_command, energy_sources
from wire.quantities import MISSING, OK

OSLO = ZoneInfo("Europe/Oslo")
SITE = SITES / "narvik-demo"
TODAY = date(2025, 12, 20)
MAPPING = """\
source: Elhub
kind: intervals
timezone: Europe/Oslo
interval_min: 60
decimal: "."
columns: {start: start, value: value}
target: {building: radhuset}
"""
TEMPERATURES = MAPPING.replace("{building: radhuset}", "{temperature: airport}").replace(
    "interval_min: 60", "interval_min: 60\nunit: Cel"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The demonstration site with outdoor temperatures of an imported series."""
    folder = tmp_path / "narvik-demo"
    folder.mkdir()
    for file in SITE.glob("*.yaml"):
        text = file.read_text()
        if file.name == "buildings.yaml":
            text = text.replace("{node: 22, key: air_temp_cc, series: demo-weather}", "{series: airport}")
        if file.name == "initiatives.yaml":
            text = text.replace("since: 2026-02-01", "since: 2025-01-01")
        (folder / file.name).write_text(text)
    return folder


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(energy_command, "today", lambda _: TODAY)
    monkeypatch.setattr(energy_sources, "today", lambda _: TODAY)
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> tuple[Any, str]:
    """Run `sensornett energy ... --json`; return (the object, what was said)."""
    capsys.readouterr()
    assert cli.main(["energy", *map(str, words), "--json"]) == status
    out, err = capsys.readouterr()
    return (json.loads(out) if out else None), err


def hourly(days: list[Day], column: str) -> str:
    lines = ["start;value"]
    for day in days:
        start, hours = start_of(day.day, OSLO), hours_in(day.day, OSLO)
        value = day.kwh / hours if column == "kwh" else day.celsius
        lines += [
            f"{datetime.fromtimestamp(start + 3600 * i, OSLO).isoformat()};{value:.3f}" for i in range(hours)
        ]
    return "\n".join(lines) + "\n"


def bring(capsys: pytest.CaptureFixture[str], site: Path, state: Path, mapping: str, text: str) -> Any:
    folder = state.parent
    (folder / "mapping.yaml").write_text(mapping)
    (folder / "export.csv").write_text(text)
    at = ("--site", site, "--state", state, "--mapping", folder / "mapping.yaml", folder / "export.csv")
    return run(capsys, "import", *at)[0]["rows"]


@pytest.fixture
def two_years(capsys: pytest.CaptureFixture[str], site: Path, state: Path) -> list[Day]:
    """2024 as it was, 2025 with 12 % less from the first day."""
    days = building(77, 366 + 353, 0.4)
    days = [Day(d.day, d.kwh * (0.88 if d.day.year == 2025 else 1), d.celsius, d.in_use) for d in days]
    bring(capsys, site, state, MAPPING, hourly(days, "kwh"))
    bring(capsys, site, state, TEMPERATURES, hourly(days, "celsius"))
    return days


def at(site: Path, state: Path) -> tuple[object, ...]:
    return "--site", site, "--state", state


def test_importing_a_file_twice_changes_nothing(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    text = hourly(building(1, 10, 0), "kwh")
    assert bring(capsys, site, state, MAPPING, text)[0] | {"first": None, "last": None} == {
        "file": "export.csv", "building": "radhuset", "carrier": "electricity", "meter": "main",
        "first": None, "last": None, "new": 240, "unchanged": 0, "revised": 0, "difference": 0,
    }  # fmt: skip
    (again,) = bring(capsys, site, state, MAPPING, text)
    assert (again["new"], again["unchanged"], again["revised"]) == (0, 240, 0)


def test_a_bad_file_is_told_by_line_and_nothing_is_taken(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    (state / "m.yaml").write_text(MAPPING)
    (state / "good.csv").write_text(hourly(building(1, 2, 0), "kwh"))
    (state / "bad.csv").write_text("start;value\n2026-01-01T00:00;x\n")
    files = (state / "good.csv", state / "bad.csv")
    answer, said = run(capsys, "import", *at(site, state), "--mapping", state / "m.yaml", *files, status=1)
    assert "bad.csv:2:1: `x` is no number" in said
    assert "Nothing was imported." in said
    assert answer == {"rows": [], "ok": False}
    assert not (state / FILE_NAME).exists()


def test_an_unknown_building_and_a_wrong_encoding(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    (state / "m.yaml").write_text(MAPPING.replace("radhuset", "radhus"))
    (state / "a.csv").write_bytes("start;value\n\nså;1\n".encode("latin-1"))
    words = ("import", *at(site, state), "--mapping", state / "m.yaml", state / "a.csv")
    assert "the mapping names `radhus`; buildings.yaml has" in run(capsys, *words, status=2)[1]
    (state / "m.yaml").write_text(MAPPING)
    said = run(capsys, *words, status=1)[1]
    assert "a.csv:3:1: byte 14 is not utf-8" in said
    assert "latin-1" in said


def test_report_by_month(site, state, capsys, two_years) -> None:  # type: ignore[no-untyped-def]
    answer, _ = run(capsys, "report", *at(site, state), "--building", "radhuset", "--from", "2024-01-01")
    rows = {row["period"]: row for row in answer["rows"]}
    march = [day for day in two_years if (day.day.year, day.day.month) == (2024, 3)]
    assert rows["2024-03"]["kwh"] == pytest.approx(sum(day.kwh for day in march), abs=0.5)
    assert rows["2024-03"]["kwh_per_m2"] == pytest.approx(rows["2024-03"]["kwh"] / 6200, abs=0.01)
    assert rows["2024-03"]["coverage_percent"] == 100
    assert rows["2024-03"]["degree_days"] == pytest.approx(sum(max(0, 17 - d.celsius) for d in march), abs=1)
    # 2022 is the last year of the table before 2024: 15 g/kWh of 2023.
    assert rows["2024-03"]["co2_kg"] == pytest.approx(rows["2024-03"]["kwh"] * 15 / 1000, abs=0.1)
    assert rows["2025-12"]["coverage_percent"] < 100


def test_report_as_csv_leaves_unknown_empty(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    assert cli.main(["energy", "report", *map(str, at(site, state)), "--by", "year", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["kwh"] for row in rows} == {""}
    assert {row["coverage_percent"] for row in rows} == {"0.0"}


def test_late_data_is_a_revision_with_its_difference(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    days = building(3, 31, 0)
    bring(capsys, site, state, MAPPING, hourly(days[:30], "kwh"))
    words = (
        "report",
        *at(site, state),
        "--building",
        "radhuset",
        "--from",
        "2024-01-01",
        "--to",
        "2024-02-01",
    )
    (first,) = run(capsys, *words, "--keep")[0]["rows"]
    assert (first["revision"], first["coverage_percent"]) == (1, 96.8)
    bring(capsys, site, state, MAPPING, hourly(days, "kwh"))
    told, said = run(capsys, *words)
    assert told["rows"][0]["reported_kwh"] == first["kwh"]
    assert f"was reported as {first['kwh']:.3f} kWh, +{days[30].kwh:.3f}"[:-2] in said
    (second,) = run(capsys, *words, "--keep")[0]["rows"]
    assert (second["revision"], second["reported_kwh"]) == (2, first["kwh"])


def test_savings_in_one_sentence(site, state, capsys, two_years) -> None:  # type: ignore[no-untyped-def]
    answer, said = run(capsys, "savings", *at(site, state))
    (row,) = answer["rows"]
    assert row["verdict"] == "saved"
    assert row["saved_percent"] == pytest.approx(12, abs=row["band_percent"])
    assert row["band_percent"] < 3
    assert row["meets_ashrae_14"] is True
    assert (row["days_before"], row["days_after"]) == (365, 353)
    assert row["kr_a_year"] == pytest.approx(row["saved_kwh"] / 353 * 365 * 0.85, rel=0.01)
    assert "% less ± " in said
    assert "(90 %)" in said


def test_savings_that_can_not_be_told_say_why(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    answer, said = run(capsys, "savings", *at(site, state))
    assert answer["rows"][0]["verdict"] is None
    assert "nothing can be said yet: 0 whole days with a temperature before the measure" in said
    asked = ("savings", *at(site, state), "--building", "idrettens-hus", "--since", "2025-01-01")
    assert run(capsys, *asked)[0]["rows"][0]["building"] == "idrettens-hus"


def test_peaks(site, state, capsys, two_years) -> None:  # type: ignore[no-untyped-def]
    answer, said = run(capsys, "peaks", *at(site, state), "--from", "2024-01-01", "--to", "2024-03-01")
    january, february = answer["rows"]
    highest = max(day.kwh / 24 for day in two_years[:31])
    assert january["demand_kw"] == pytest.approx(highest, abs=0.01)
    assert january["capacity_kr"] == pytest.approx(1330 + highest * 124, abs=2)
    assert february["month"] == "2024-02"
    assert said == ""


def test_deviations_and_an_answer(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    days = building(10, 719, 0.3)
    since = date(2025, 12, 10)
    late = [Day(d.day, d.kwh + 500 * (d.day >= since), d.celsius, d.in_use) for d in days]
    bring(capsys, site, state, MAPPING, hourly(late, "kwh"))
    bring(capsys, site, state, TEMPERATURES, hourly(days, "celsius"))
    first, second = run(capsys, "deviations", *at(site, state))[0]["rows"]
    assert (first["building"], first["stands_out"], first["owner"]) == ("radhuset", True, "bygg")
    assert first["since"] == "2025-12-10"
    assert first["kwh_above_expected"] == pytest.approx(4500, abs=first["band_kwh"])
    assert first["kr_above_expected"] == pytest.approx(first["kwh_above_expected"] * 0.85, abs=2)
    assert second["reason"] == "fewer than 30 whole days with a temperature"
    words = ("answer", *at(site, state), "radhuset", "--status", "known", "--role", "Vaktmester")
    run(capsys, *words, "--note", "Tørking etter lekkasje")
    (row,) = run(capsys, "deviations", *at(site, state), "--building", "radhuset")[0]["rows"]
    assert (row["status"], row["said_by"], row["note"]) == ("known", "Vaktmester", "Tørking etter lekkasje")


def test_a_damaged_book_is_told_with_the_next_step(site, state, capsys, two_years) -> None:  # type: ignore[no-untyped-def]
    path = state / FILE_NAME
    with path.open("r+b") as file:
        for page in range(8, path.stat().st_size // 4096, 3):
            file.seek(4096 * page)
            file.write(b"\xff" * 4096)
    _, said = run(capsys, "report", *at(site, state), status=1)
    assert f"{path}: is damaged" in said
    assert "Put a backup of it back, or move it aside and import again." in said


def records(first_s: int, hours: int, wh: int) -> list[Record]:
    made = []
    for i in range(hours + 1):
        row = (wh, None, 1_000_000 + wh * i, *[None] * 11)
        quality = tuple(OK if value is not None else MISSING for value in row)
        made.append(Record(31, 1, i, first_s + 3600 * i + 30, 0, first_s * 1000, 3, row, quality, "mqtt"))
    return made


def test_reconcile_finds_a_forgotten_factor(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    begin = start_of(date(2025, 10, 1), OSLO)

    async def store() -> None:
        opened = Store.open(state / STORE_NAME)
        await opened.append(Change(records=records(begin, 745 + 240, 2000)))
        await opened.close()

    asyncio.run(store())
    days = [Day(date(2025, 10, 1) + timedelta(days=i), 0.0, 0.0) for i in range(41)]
    text = hourly(
        [Day(d.day, 60 * hours_in(d.day, OSLO), 0.0) for d in days], "kwh"
    )  # 60 kWh, 30 times 2 kWh
    bring(capsys, site, state, MAPPING, text)
    words = ("reconcile", *at(site, state), "--building", "radhuset", "--from", "2025-10-01")
    answer, said = run(capsys, *words, status=1)
    october, november = answer["rows"]
    assert (october["node_kwh"], october["settled_kwh"]) == (1490, 44_700)
    assert (october["common_hours"], october["expected_hours"]) == (745, 745)
    assert november["common_hours"] == 240
    assert "every month differs by the factor 30. Is `meter_factor` in buildings.yaml right?" in said
    buildings = site / "buildings.yaml"
    buildings.write_text(buildings.read_text().replace("meter_factor: 1\n", "meter_factor: 30\n"))
    answer, said = run(capsys, *words)
    assert [row["verdict"] for row in answer["rows"]] == ["agrees", "agrees"]
    assert said == ""
    assert datetime.fromtimestamp(begin, UTC).hour == 22


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "--by", "fortnight"), "--by can not be `fortnight`"),
        (("report", "--from", "yesterday"), "`yesterday` is no day"),
        (("report", "--from", "2025-01-01", "--to", "2025-01-01"), "2025-01-01 is not before 2025-01-01"),
        (("report", "--building", "town-hall"), "buildings.yaml has no building `town-hall`"),
        (("report", "--keep", "--by", "day"), "--keep goes with whole months"),
        (("savings", "none-such"), "initiatives.yaml has no initiative `none-such`"),
        (("savings", "--building", "radhuset"), "--building and --since go together"),
        (("answer", "radhuset", "--status", "odd", "--role", "x"), "--status can not be `odd`"),
    ],
)
def test_wrong_words(site, state, capsys, words, said) -> None:  # type: ignore[no-untyped-def]
    assert said in run(capsys, words[0], *at(site, state), *words[1:], status=2)[1]


def test_for_people(site, state, capsys, two_years) -> None:  # type: ignore[no-untyped-def]
    assert cli.main(["energy", "report", *map(str, at(site, state)), "--building", "radhuset"]) == 0
    out = capsys.readouterr().out
    assert "2025-03" in out
    assert "kwh per m2" in out


def test_this_hour(site, state, capsys, two_years, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    now_s = datetime(2025, 12, 18, 9, 40, tzinfo=UTC).timestamp()
    monkeypatch.setattr(energy_command, "now_ms", lambda: int(now_s * 1000))
    (row, other) = run(capsys, "now", *at(site, state))[0]["rows"]
    assert (row["building"], row["outlook"]) == ("radhuset", None)  # no power has come

    async def store() -> None:
        opened = Store.open(state / STORE_NAME)
        minutes = range(int(now_s) - 3600, int(now_s), 60)
        made = [
            Record(31, 1, i, at_s, 0, 1, 3, (300_000, *[None] * 13), (OK, *[MISSING] * 13), "mqtt")
            for i, at_s in enumerate(minutes)
        ]
        await opened.append(Change(records=made))
        await opened.close()

    asyncio.run(store())
    (row, other) = run(capsys, "now", *at(site, state))[0]["rows"]
    assert (row["outlook"], row["expected_kwh"], row["used_kwh"]) == ("will", 300, 200)
    assert row["extra_kr"] == pytest.approx((300 - row["limit_kwh"]) * 124, abs=10)
    assert other["outlook"] is None
    _, said = run(capsys, "now", *at(site, state), "--send", status=1)
    assert "channels.yaml is missing" in said


def test_water_and_district_heat_read_by_hand(site, state, capsys) -> None:  # type: ignore[no-untyped-def]
    readings = "start;value\n2025-10-01;100\n2025-11-01;131\n2025-12-01;145.5\n"
    plain = MAPPING.replace("intervals", "readings").replace("interval_min: 60\n", "")
    water = plain.replace("{building: radhuset}", "{building: radhuset, carrier: water}\nunit: m3")
    heat = plain.replace("{building: radhuset}", "{building: radhuset, carrier: district_heat}\nunit: MWh")
    bring(capsys, site, state, water, readings)
    bring(capsys, site, state, heat, readings)
    autumn = ("--from", "2025-10-01", "--to", "2025-12-01")
    words = ("report", *at(site, state), "--building", "radhuset", *autumn)
    october, november = run(capsys, *words, "--carrier", "water")[0]["rows"]
    assert (october["m3"], november["m3"], october["estimated_percent"]) == (31, 14.5, 100)
    october, november = run(capsys, *words, "--carrier", "district_heat")[0]["rows"]
    assert (october["kwh"], november["kwh"]) == (31_000, 14_500)
    assert "--carrier can not be `peat`" in run(capsys, *words, "--carrier", "peat", status=2)[1]
