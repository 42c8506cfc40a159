"""From the bytes on a meter's port to the month's kWh, to the last Wh the meter shows."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from drivers.han import HanPort
from gateway.energy.given import Given, hours_of
from gateway.energy.metering import Factor, Sample, metered
from gateway.energy.periods import start_of, totals
from gateway.energy.registers import Event
from gateway.store.energy_book import EnergyBook, Series
from hardware.virtual import meters

OSLO = ZoneInfo("Europe/Oslo")
FIRST, LAST = date(2026, 10, 1), date(2026, 11, 1)  # 745 hours: the clock is put back on the 25th
SHOWN_WH = {"aidon": 10, "kaifa": 1, "kamstrup": 10}


class NoUart:
    def any(self) -> int:
        return 0


def heard(make: meters.Make, registers: list[tuple[int, int]]) -> list[Sample]:
    """What a node reads, 40 s after each full hour, of a meter that sends its registers on the hour."""
    now_ms = 0
    port = HanPort(NoUart(), lambda: now_ms)  # type: ignore[no-untyped-call]
    samples: list[Sample] = []
    for at_s, wh in registers:
        # Its clock shows local time; it is not used.
        clock = datetime.fromtimestamp(at_s, OSLO).replace(tzinfo=None)
        power = meters.frame(make, 2, meters.Values(import_power_w=5000), clock)
        values = meters.Values(import_power_w=5000, import_energy_wh=wh)
        now_ms = at_s % (1 << 29) * 1000 % (1 << 30)
        for frame in (power, meters.frame(make, 3, values, clock), power):
            port.feed(now_ms, frame)
        value, _ = port.read("import_energy_wh")
        assert value is not None
        samples.append((at_s + 40, value))
        # A register is given once: repeated, it would look like an hour without consumption.
        assert port.read("import_energy_wh")[0] is None
    return samples


@pytest.mark.parametrize("make", get_args(meters.Make))
def test_a_month_of_frames_to_the_last_watt_hour(make: meters.Make) -> None:
    random = Random(7)
    register, registers = 123_456_780, []
    for at_s in range(start_of(FIRST, OSLO), start_of(LAST, OSLO) + 1, 3600):
        registers.append((at_s, register))
        register += random.randrange(0, 90_000)
    shown = [wh - wh % SHOWN_WH[make] for _, wh in registers]
    found = metered(heard(make, registers), [])
    (month,) = totals(found.hours, "month", OSLO, FIRST, LAST)
    assert month.wh == shown[-1] - shown[0]
    assert (month.hours, month.expected, month.estimated, found.events) == (745, 745, 0, [])
    days = totals(found.hours, "day", OSLO, FIRST, LAST)
    assert sum(day.wh for day in days) == month.wh
    assert days[24].wh == shown[24 * 24 + 25] - shown[24 * 24]
    assert days[24].start_s + timedelta(hours=25).total_seconds() == days[24].end_s


def test_with_hours_lost_the_month_is_the_same_and_says_what_is_estimated() -> None:
    registers = [(at_s, (at_s - start_of(FIRST, OSLO)) * 5) for at_s in range(
        start_of(FIRST, OSLO), start_of(LAST, OSLO) + 1, 3600
    )]  # fmt: skip
    samples = [sample for i, sample in enumerate(heard("kaifa", registers)) if i not in range(100, 110)]
    (month,) = totals(metered(samples, []).hours, "month", OSLO, FIRST, LAST)
    assert month.wh == 745 * 18_000
    assert (month.hours, month.estimated) == (745, 11)


# One register, 100 Wh each hour: 745 hours of October are 74 500 Wh. What goes wrong, and the month by hand.
HOUR_WH = 100
SWAP_S = start_of(FIRST, OSLO) + 400 * 3600 + 600


def steady(first: date, last: date, begin_wh: int = 5_000_000) -> list[Sample]:
    """A register as it is read 40 s after each full hour of a month, its first and last hour included."""
    return [
        (at_s + 40, begin_wh + HOUR_WH * i)
        for i, at_s in enumerate(range(start_of(first, OSLO), start_of(last, OSLO) + 1, 3600))
    ]


def reset() -> list[Sample]:
    """The meter begins again at zero in the hour from 100 to 101."""
    samples = steady(FIRST, LAST)
    return samples[:101] + [(at_s, HOUR_WH * i) for i, (at_s, _) in enumerate(samples[101:])]


def rolled() -> list[Sample]:
    """The register has nine digits, and is full after 100 hours."""
    return [(at_s, wh % 10**9) for at_s, wh in steady(FIRST, LAST, 10**9 - 100 * HOUR_WH)]


def swapped() -> list[Sample]:
    """In hour 400 another meter takes over, which shows something else."""
    return [(at_s, wh if at_s < SWAP_S else wh + 70_000_000) for at_s, wh in steady(FIRST, LAST)]


def lost() -> list[Sample]:
    """Ten readings are missing, so eleven hours are known by their sum alone."""
    return [sample for i, sample in enumerate(steady(FIRST, LAST)) if i not in range(100, 110)]


@pytest.mark.parametrize(
    ("samples", "factors", "month", "events"),
    [
        (steady(FIRST, LAST), [Factor(0)], (74_500, 745, 0), []),
        (reset(), [Factor(0)], (74_400, 744, 0), [Event.RESET]),
        (rolled(), [Factor(0)], (74_500, 745, 0), [Event.ROLLOVER]),
        # 400 hours at 30 to 1, the hour of the swap unknown, 344 hours at 1 to 1: 1 200 000 + 34 400.
        (
            swapped(),
            [Factor(0, Fraction(30)), Factor(SWAP_S, Fraction(1))],
            (1_234_400, 744, 0),
            [Event.SWAP],
        ),
        (lost(), [Factor(0)], (74_500, 745, 11), []),
        ([sample for sample in steady(FIRST, LAST) for _ in (1, 2)], [Factor(0)], (74_500, 745, 0), []),
        (steady(FIRST, LAST)[::-1], [Factor(0)], (74_500, 745, 0), []),
    ],
    ids=["nothing", "reset", "rollover", "swap", "gap", "duplicates", "late"],
)
def test_a_month_by_hand(
    samples: list[Sample], factors: list[Factor], month: tuple[int, int, int], events: list[Event]
) -> None:
    found = metered(samples, [], factors)
    (total,) = totals(found.hours, "month", OSLO, FIRST, LAST)
    assert (total.wh, total.hours, total.estimated) == month
    assert total.expected == 745
    assert [event for _, event in found.events] == events


@pytest.mark.parametrize(
    ("first", "last", "day", "hours"),
    [
        (date(2026, 3, 1), date(2026, 4, 1), date(2026, 3, 29), 23),
        (FIRST, LAST, date(2026, 10, 25), 25),
    ],
)
def test_the_months_in_which_the_clock_is_changed(first: date, last: date, day: date, hours: int) -> None:
    found = metered(steady(first, last), [])
    (month,) = totals(found.hours, "month", OSLO, first, last)
    (changed,) = totals(found.hours, "day", OSLO, day, day + timedelta(days=1))
    assert month.wh == (31 * 24 - 24 + hours) * HOUR_WH
    assert (changed.wh, changed.hours, changed.expected) == (hours * HOUR_WH, hours, hours)


def test_data_that_comes_late_makes_estimates_measured_and_changes_no_sum() -> None:
    before, after = metered(lost(), []), metered(sorted({*lost(), *steady(FIRST, LAST)}), [])
    (early,), (late,) = (totals(found.hours, "month", OSLO, FIRST, LAST) for found in (before, after))
    assert (early.wh, early.estimated) == (74_500, 11)
    assert (late.wh, late.estimated) == (74_500, 0)


def test_a_corrected_hour_is_a_revision_and_its_difference_is_in_the_month(tmp_path: Path) -> None:
    starts = range(start_of(FIRST, OSLO), start_of(LAST, OSLO), 3600)
    hours = [Given(at_s, at_s + 3600, HOUR_WH) for at_s in starts]
    series = Series("town-hall", "electricity", "main")
    corrected = Given(hours[200].start_s, hours[200].end_s, 350)
    with EnergyBook.write(tmp_path, 1) as book:
        book.take([(series, hours)], "a.csv", "00", "Elhub", 1)
        (outcome,) = book.take([(series, [corrected])], "b.csv", "01", "Elhub", 2)
        (month,) = totals(hours_of(book.given(series)), "month", OSLO, FIRST, LAST)
    assert (outcome.new, outcome.unchanged, len(outcome.revised)) == (0, 0, 1)
    assert month.wh == 74_750  # 744 hours of 100 Wh and one of 350 Wh
