"""The duty rota: who is paged when. Names and numbers, so the file stays outside git. Pure but for reading.

CSV with the columns begin, end, recipient, person, phone, url (the last two may be empty), or iCalendar: of
each VEVENT, DTSTART, DTEND, SUMMARY (person), CATEGORIES (recipient), CONTACT (phone) and URL. Times without
a zone are the site's.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.alert_schema import Recipient

DAYS = 14  # how far ahead the rota has to be filled
COLUMNS = ("begin", "end", "recipient", "person")


class RotaError(Exception):
    """The rota can not be read; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's duty for one recipient, from `begin_s` until `end_s` (UTC seconds)."""

    begin_s: int
    end_s: int
    recipient: str
    person: str
    phone: str = ""
    url: str = ""


def read_rota(path: Path, zone: ZoneInfo) -> list[Shift]:
    """Return the shifts in order of time. Raises RotaError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RotaError(f"{path}: can not be read: {error}") from error
    parse = _from_calendar if text.lstrip().startswith("BEGIN:VCALENDAR") else _from_csv
    try:
        shifts = list(parse(text, zone))
    except RotaError as error:
        raise RotaError(f"{path}{error}") from error
    return sorted(shifts, key=lambda shift: (shift.begin_s, shift.end_s))


def on_duty(shifts: Sequence[Shift], recipient: str, at_s: int) -> list[Shift]:
    """Return who has duty for a recipient at a moment; where shifts overlap, who began last comes first."""
    found = [s for s in shifts if s.recipient == recipient and s.begin_s <= at_s < s.end_s]
    return sorted(found, key=lambda shift: -shift.begin_s)


def unmanned(shifts: Sequence[Shift], recipient: str, from_s: int, to_s: int) -> list[tuple[int, int]]:
    """Return the intervals of from_s <= t < to_s in which nobody has duty for a recipient."""
    gaps = []
    covered_s = from_s
    for shift in sorted(shifts, key=lambda shift: shift.begin_s):
        if shift.recipient != recipient or shift.end_s <= covered_s:
            continue
        if shift.begin_s >= to_s:
            break
        if shift.begin_s > covered_s:
            gaps.append((covered_s, shift.begin_s))
        covered_s = shift.end_s
    if covered_s < to_s:
        gaps.append((covered_s, to_s))
    return gaps


def complaints(
    shifts: Sequence[Shift], recipients: Sequence[Recipient], from_s: int, days: int, zone: ZoneInfo
) -> list[str]:
    """Return, in words, every time in the coming `days` at which nobody would be paged for a recipient."""
    to_s = from_s + days * 86_400
    known = {recipient.id for recipient in recipients}
    found = [f"the rota names `{name}`, whom alerts.yaml does not know" for name in _unknown(shifts, known)]
    for recipient in recipients:
        if recipient.rota:
            for begin_s, end_s in unmanned(shifts, recipient.id, from_s, to_s):
                begin, end = (f"{datetime.fromtimestamp(t, zone):%Y-%m-%d %H:%M}" for t in (begin_s, end_s))
                found.append(f"nobody has duty for `{recipient.id}` from {begin} to {end}")
    return found


def _unknown(shifts: Sequence[Shift], known: set[str]) -> list[str]:
    return sorted({shift.recipient for shift in shifts} - known)


def _shift(row: dict[str, str], zone: ZoneInfo, where: str) -> Shift:
    begin_s, end_s = (_moment(row[name], zone, where) for name in ("begin", "end"))
    if end_s <= begin_s:
        raise RotaError(f"{where}: the duty ends before it begins")
    if not row["recipient"] or not row["person"]:
        raise RotaError(f"{where}: recipient or person is missing")
    return Shift(begin_s, end_s, row["recipient"], row["person"], row.get("phone", ""), row.get("url", ""))


def _from_csv(text: str, zone: ZoneInfo) -> Iterator[Shift]:
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",")
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise RotaError(
            f":1: column `{missing[0]}` is missing. The columns are {', '.join(COLUMNS)}, phone, url"
        )
    for row in reader:
        plain = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        yield _shift(plain, zone, f":{reader.line_num}")


def _from_calendar(text: str, zone: ZoneInfo) -> Iterator[Shift]:
    unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    event: dict[str, str] | None = None
    names = {
        "DTSTART": "begin", "DTEND": "end", "SUMMARY": "person", "CATEGORIES": "recipient",
        "CONTACT": "phone", "URL": "url",
    }  # fmt: skip
    number = 0
    for line in unfolded.split("\n"):
        if line == "BEGIN:VEVENT":
            number += 1
            event = {}
        elif line == "END:VEVENT" and event is not None:
            where = f": event {number}"
            for name in COLUMNS:
                if name not in event:
                    raise RotaError(f"{where} has no {next(k for k, v in names.items() if v == name)}")
            yield _shift(event, zone, where)
            event = None
        elif event is not None:
            head, _, value = line.partition(":")
            name, *parameters = head.split(";")
            if name in ("RRULE", "RDATE"):
                raise RotaError(f": event {number} repeats ({name}): export single events instead")
            if name in names:
                tz = next((p[5:] for p in parameters if p.startswith("TZID=")), "")
                event[names[name]] = f"{value} {tz}".strip() if name.startswith("DT") else value.strip()


def _moment(text: str, zone: ZoneInfo, where: str) -> int:
    stamp, _, tz = text.partition(" ") if "T" in text.split(" ")[0] else (text, "", "")
    try:
        moment = datetime.fromisoformat(stamp)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(tz) if tz else zone)
    except (ValueError, KeyError, OSError) as error:
        raise RotaError(f"{where}: `{text[:40]}` is no time. Write it like 2026-01-05 07:00") from error
    return int(moment.astimezone(UTC).timestamp())
