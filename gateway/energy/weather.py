"""Outdoor temperature by the day, and degree days."""

from collections.abc import Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from gateway.energy.periods import hours_in, local_day

# Below this mean temperature of a day heating is reckoned with: the Norwegian and Nordic convention.
DEGREE_DAY_BASE_C = 17.0
# A day's mean from fewer hours says more about which hours are missing than about the day.
DAY_SHARE = 0.8


def daily_means(hourly: Mapping[int, float], zone: ZoneInfo) -> dict[date, float]:
    """Return the mean temperature of each local day of which enough hours are known."""
    days: dict[date, list[float]] = {}
    for start in sorted(hourly):
        days.setdefault(local_day(start, zone), []).append(hourly[start])
    return {
        day: sum(values) / len(values)
        for day, values in days.items()
        if len(values) >= DAY_SHARE * hours_in(day, zone)
    }


def degree_days(daily: Iterable[float], base_c: float = DEGREE_DAY_BASE_C) -> float:
    """Return the sum of what each day's mean temperature lacks to the base, in °C·days."""
    return sum(max(0.0, base_c - celsius) for celsius in daily)


def corrected_wh(wh: int, dependent_share: float, degree_days_now: float, degree_days_normal: float) -> int:
    """Return the energy of a period in a normal year's weather, in Wh.

    Only `dependent_share` (0 to 1) of it follows the weather; hot water, light and machines do not. Raises
    ValueError where a period without degree days is said to have used energy for heating.
    """
    if not 0 <= dependent_share <= 1:
        raise ValueError(f"a share of {dependent_share}")
    if dependent_share and degree_days_now <= 0:
        raise ValueError("no degree days in the period: there is nothing to correct by")
    heating = wh * dependent_share
    return round(wh - heating + (heating * degree_days_normal / degree_days_now if heating else 0))
