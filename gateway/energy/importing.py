"""Reads other systems' CSV files: Elhub and energy-system exports, readings written down by hand. Pure.

All of a file is good or none of it is taken: half an import is a wrong sum.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.import_schema import Mapping, Status, Target
from device_configs.problem import Problem, did_you_mean
from gateway.energy.given import Given
from gateway.energy.registers import Value, judge

# What a meter read by hand may count between two readings is bounded by the same connection as any other.
MOST_W = 20_000_000
LARGEST = 10**15


@dataclass(slots=True)
class Parsed:
    """The values by their target, and what is wrong with the file."""

    values: dict[Target, list[Given]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    start: datetime  # as it stands there; naive where it has no zone
    end: datetime | None
    value: Fraction
    status: Status


def parse(text: str, mapping: Mapping, file: Path) -> Parsed:
    """Return what a file says. `file` is only named in the problems."""
    parsed = Parsed()
    lines = text.removeprefix("\ufeff").splitlines()
    rows = csv.reader(lines[mapping.skip_lines :], delimiter=mapping.delimiter)
    header = [name.strip() for name in next(rows, [])]
    first = mapping.skip_lines + 1

    def wrong(number: int, message: str, hint: str | None = None) -> None:
        shown = lines[number - 1] if 0 < number <= len(lines) else ""
        parsed.problems.append(Problem(file, number, 1, shown, message, hint))

    named = mapping.columns
    for name in (named.start, named.end, named.value, named.point, named.quality):
        if name is not None and name not in header:
            wrong(first, f"there is no column `{name}`", did_you_mean(name, header))
    if parsed.problems:
        return parsed
    by_target: dict[Target, list[_Line]] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        number = mapping.skip_lines + rows.line_num
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        try:
            target, line = _line(cells, mapping, number)
        except _Wrong as error:
            wrong(number, error.message, error.hint)
            continue
        if line is not None:
            by_target.setdefault(target, []).append(line)
    if not by_target and not parsed.problems:
        wrong(first, "there are no values below the header")
    for target, found in by_target.items():
        reckon = _intervals if mapping.kind == "intervals" else _readings
        try:
            parsed.values[target] = sorted(reckon(found, mapping), key=lambda given: given.start_s)
        except _Wrong as error:
            wrong(error.number, error.message, error.hint)
    return parsed


class _Wrong(Exception):
    def __init__(self, message: str, hint: str | None = None, number: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.number = number


def _line(cells: dict[str, str], mapping: Mapping, number: int) -> tuple[Target, _Line | None]:
    named = mapping.columns
    target = mapping.target
    if named.point is not None:
        point = cells.get(named.point, "")
        target = mapping.points.get(point)
        if target is None:
            # Ids are looked up in the file and never repeated: messages end up in logs.
            raise _Wrong(f"the mapping has no point like the one in column `{named.point}`")
    assert target is not None
    text = cells.get(named.value, "")
    if not text:
        return target, None  # no value is a gap, not zero
    status = mapping.status
    if named.quality is not None:
        word = cells.get(named.quality, "")
        if word not in mapping.quality:
            raise _Wrong(f"`{word[:40]}` is no known quality", did_you_mean(word, mapping.quality))
        status = mapping.quality[word]
    start = _time(cells.get(named.start, ""), mapping)
    end = _time(cells.get(named.end, ""), mapping) if named.end is not None else None
    value = _number(text, mapping.decimal)
    if value < 0 and not target.temperature:
        raise _Wrong(f"{text[:40]} is negative", "what a building gives back has a series of its own")
    return target, _Line(number, text, start, end, value, status)


def _number(text: str, decimal: str) -> Fraction:
    plain = text.replace("\u00a0", "").replace(" ", "").replace("\u2212", "-")
    other = "," if decimal == "." else "."
    if other in plain:
        raise _Wrong(f"`{text[:40]}` is no number with the decimal sign `{decimal}`", "change `decimal`?")
    try:
        value = Fraction(Decimal(plain.replace(",", ".")))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise _Wrong(f"`{text[:40]}` is no number") from error
    if abs(value) > LARGEST:
        raise _Wrong(f"`{text[:40]}` is too large to be meant")
    return value


def _time(text: str, mapping: Mapping) -> datetime:
    try:
        if mapping.time_format is None:
            return datetime.fromisoformat(text)
        return datetime.strptime(text, mapping.time_format)  # noqa: DTZ007  the zone is the mapping's
    except ValueError as error:
        wanted = mapping.time_format or "ISO 8601, like 2026-03-29T01:00"
        raise _Wrong(f"`{text[:40]}` is no time written as {wanted}") from error


def _utc(lines: Sequence[_Line], mapping: Mapping) -> Iterator[tuple[_Line, int]]:
    """Yield each line with the UTC second of its start. A local time that comes twice is told by order."""
    zone = ZoneInfo(mapping.timezone)
    rising = len(lines) < 2 or _naive(lines[0].start) <= _naive(lines[-1].start)
    last: datetime | None = None
    again = False
    for line in lines if rising else reversed(lines):
        start = line.start
        if start.tzinfo is None:
            twice = len({start.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}) > 1
            again = twice and (again or (last is not None and start <= last))
            last = start
            start = start.replace(tzinfo=zone, fold=int(again))
            if datetime.fromtimestamp(start.timestamp(), zone).replace(tzinfo=None) != line.start:
                message = f"there is no {line.start} in {mapping.timezone}: the clock is put forward"
                raise _Wrong(message, number=line.number)
        yield line, int(start.timestamp())


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _intervals(lines: Sequence[_Line], mapping: Mapping) -> Iterator[Given]:
    per_unit = Fraction(str(mapping.per_unit))
    carried = Fraction(0)
    starts: set[int] = set()
    for line, start_s in _utc(lines, mapping):
        seconds = (_end_s(line.end, start_s, mapping) if line.end else _next_s(start_s, mapping)) - start_s
        if seconds <= 0:
            raise _Wrong("the interval ends before it begins", number=line.number)
        if start_s in starts:
            raise _Wrong(f"two values begin at {line.start}", number=line.number)
        starts.add(start_s)
        exact = line.value * per_unit
        if mapping.unit == "Cel":
            yield Given(start_s, start_s + seconds, round(exact * 100), line.status)
            continue
        exact += carried
        carried = exact - int(exact)
        yield Given(start_s, start_s + seconds, int(exact), line.status)


def _end_s(end: datetime, start_s: int, mapping: Mapping) -> int:
    """Return the UTC second of an end; of two that a local time may mean, the first after the start."""
    if end.tzinfo is not None:
        return int(end.timestamp())
    zone = ZoneInfo(mapping.timezone)
    both = sorted(int(end.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return next((end_s for end_s in both if end_s > start_s), both[0])


def _next_s(start_s: int, mapping: Mapping) -> int:
    """Return the UTC second at which an interval of the file's length ends; a day may have 23 or 25 hours."""
    assert mapping.interval_min is not None
    if mapping.interval_min % 1440:
        return start_s + mapping.interval_min * 60
    zone = ZoneInfo(mapping.timezone)
    start = datetime.fromtimestamp(start_s, zone)
    end = start.replace(tzinfo=None) + timedelta(minutes=mapping.interval_min)
    return int(end.replace(tzinfo=zone).timestamp())


def _readings(lines: Sequence[_Line], mapping: Mapping) -> Iterator[Given]:
    per_unit = Fraction(str(mapping.per_unit))
    ordered = sorted(_utc(lines, mapping), key=lambda pair: pair[1])
    for (before, from_s), (after, to_s) in pairwise(ordered):
        if from_s == to_s:
            raise _Wrong(f"two readings at {after.start}", number=after.number)
        shown, shows = (int(line.value * per_unit) for line in (before, after))
        step = judge(Value(from_s, shown), Value(to_s, shows), MOST_W)
        if step.wh is None:
            message = f"from {before.text} to {after.text} the meter goes back or jumps ({step.event})"
            hint = "a new meter? put its readings into a file and a `meter` of their own"
            raise _Wrong(message, hint, after.number)
        good = before.status == after.status == "measured"
        yield Given(from_s, to_s, step.wh, "measured" if good else "estimated")
