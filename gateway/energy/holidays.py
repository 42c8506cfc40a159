"""Norwegian public holidays, on which most municipal buildings are as empty as on a Sunday.

Lov om 1 og 17 mai som høgtidsdagar (1947) and lov om helligdager og helligdagsfred (1995). Easter: the
anonymous Gregorian computus (Nature, 1876; J. Meeus, Astronomical Algorithms, chapter 8).
"""

from datetime import date, timedelta
from functools import lru_cache

# Days from Easter Sunday: Maundy Thursday to Easter Monday, Ascension, Whit Sunday and Monday.
_AROUND_EASTER = (-3, -2, 0, 1, 39, 49, 50)
_FIXED = ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))


def easter(year: int) -> date:
    """Return Easter Sunday of a year of the Gregorian calendar."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * weekday) // 433
    month = (h + weekday - 7 * m + 90) // 25
    day = (h + weekday - 7 * m + 33 * month + 19) % 32
    return date(year, month, day)


@lru_cache(maxsize=256)
def holidays(year: int) -> frozenset[date]:
    """Return the public holidays of a year in Norway."""
    sunday = easter(year)
    moving = {sunday + timedelta(days=days) for days in _AROUND_EASTER}
    return frozenset(moving | {date(year, month, day) for month, day in _FIXED})
