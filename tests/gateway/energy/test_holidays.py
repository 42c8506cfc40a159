from datetime import date

import pytest

from gateway.energy.holidays import easter, holidays


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(1943, 4, 25), (1954, 4, 18), (1981, 4, 19), (2000, 4, 23), (2008, 3, 23), (2024, 3, 31), (2025, 4, 20),
     (2026, 4, 5), (2038, 4, 25), (2049, 4, 18), (2076, 4, 19)],
)  # fmt: skip
def test_easter(year: int, month: int, day: int) -> None:
    assert easter(year) == date(year, month, day)


def test_holidays_of_2026() -> None:
    assert sorted(holidays(2026)) == [
        date(2026, month, day)
        for month, day in (
            (1, 1), (4, 2), (4, 3), (4, 5), (4, 6), (5, 1), (5, 14), (5, 17), (5, 24), (5, 25), (12, 25),
            (12, 26),
        )
    ]  # fmt: skip
