"""From the bytes on a meter's port to the month's kWh, to the last Wh the meter shows."""

from datetime import date, datetime, timedelta
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from drivers.han import HanPort
from gateway.energy.metering import Sample, metered
from gateway.energy.periods import start_of, totals
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
