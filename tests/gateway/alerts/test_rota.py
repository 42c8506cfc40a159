from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_configs.alert_schema import Recipient
from gateway.alerts.rota import RotaError, Shift, complaints, on_duty, read_rota, unmanned

OSLO = ZoneInfo("Europe/Oslo")
CSV = """begin,end,recipient,person,phone,url
2026-01-05 07:00,2026-01-12 07:00,vei,A,+4791234567,
2026-01-12T07:00:00+01:00,2026-01-19 07:00,vei,B,,ntfy://topic
2026-01-05 07:00,2026-01-19 07:00,bygg,C,,
"""
ICS = """BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
DTSTART;TZID=Europe/Oslo:20260105T070000\r
DTEND:20260112T060000Z\r
SUMMARY:A\r
CATEGORIES:vei\r
CONTACT:+479123\r
 4567\r
END:VEVENT\r
END:VCALENDAR\r
"""


def utc(day: int, hour: int) -> int:
    return int(datetime(2026, 1, day, hour, tzinfo=UTC).timestamp())


def read(tmp_path: Path, text: str) -> list[Shift]:
    (tmp_path / "rota").write_text(text)
    return read_rota(tmp_path / "rota", OSLO)


def test_who_is_on_duty(tmp_path: Path) -> None:
    shifts = read(tmp_path, CSV)
    assert [s.person for s in on_duty(shifts, "vei", utc(12, 5))] == ["A"]
    assert [s.person for s in on_duty(shifts, "vei", utc(12, 6))] == ["B"]
    assert on_duty(shifts, "vei", utc(19, 6)) == []
    assert read(tmp_path, CSV.replace(",", ";")) == shifts


def test_a_calendar_says_the_same(tmp_path: Path) -> None:
    assert read(tmp_path, ICS) == [Shift(utc(5, 6), utc(12, 6), "vei", "A", "+4791234567")]
    with pytest.raises(RotaError, match="event 1 repeats"):
        read(tmp_path, ICS.replace("SUMMARY:A", "RRULE:FREQ=WEEKLY"))
    with pytest.raises(RotaError, match="event 1 has no CATEGORIES"):
        read(tmp_path, ICS.replace("CATEGORIES:vei\r\n", ""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV.replace("2026-01-12 07:00", "2026-01-12 25:00"), ":2: `2026-01-12 25:00` is no time"),
        (CSV.replace("person", "name"), ":1: column `person` is missing"),
        (
            CSV.replace("2026-01-05 07:00,2026-01-12", "2026-01-13 07:00,2026-01-12"),
            ":2: the duty ends before",
        ),
        (CSV.replace("vei,A", ",A"), ":2: recipient or person is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RotaError, match=message):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RotaError, match="can not be read"):
        read_rota(tmp_path / "none.csv", OSLO)


SHIFTS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=8)


@given(SHIFTS)
def test_every_hour_is_either_manned_or_told(made: list[tuple[int, int]]) -> None:
    shifts = [Shift(begin, begin + length, "vei", "A") for begin, length in made]
    gaps = unmanned(shifts, "vei", 0, 100)
    for hour in range(100):
        in_gap = any(begin <= hour < end for begin, end in gaps)
        assert in_gap == (not on_duty(shifts, "vei", hour))


def test_an_unmanned_hour_is_told_in_local_time(tmp_path: Path) -> None:
    shifts = read(tmp_path, CSV.replace("2026-01-12T07:00", "2026-01-12T08:00"))
    people = [Recipient(id="vei", role="r", rota=True), Recipient(id="beredskap", role="r")]
    assert complaints(shifts, people, utc(5, 6), 14, OSLO) == [
        "the rota names `bygg`, whom alerts.yaml does not know",
        "nobody has duty for `vei` from 2026-01-12 07:00 to 2026-01-12 08:00",
    ]
