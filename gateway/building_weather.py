"""What a building would have used in normal weather: correction by degree days."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from gateway.buildings import BuildingEnergy
from gateway.energy.periods import next_first
from gateway.energy.weather import corrected_wh, daily_means, degree_days

# From a month alone nobody can tell heating from the rest.
CURVE_DAYS = 180


@dataclass(frozen=True, slots=True)
class Corrected:
    """A period's electricity in normal weather: normal is the mean of the `years` in which it is known."""

    kwh: float
    dependent_share: float
    degree_days: float
    normal_degree_days: float
    years: int


def in_normal_weather(energy: BuildingEnergy, from_day: date, to_day: date) -> Corrected | None:
    """Return the electricity of whole months corrected by degree days; None where too little is known.

    Only the share that follows the temperature is corrected; the curve of the days up to the end says how
    large it is, and needs half a year for it. Every day has to be known, and the months in two years.
    """
    days = [day for day in energy.days if from_day <= day.day < to_day]
    curve = energy.curve(to_day)
    normal = _normal_degree_days(energy, from_day, to_day)
    if curve is None or len(curve.days) < CURVE_DAYS:
        return None
    if normal is None or len(days) < (to_day - from_day).days:
        return None
    found = degree_days(day.celsius for day in days)
    share = curve.dependent_share(days)
    if not found:
        share = 0.0
    wh = corrected_wh(round(1000 * sum(day.kwh for day in days)), share, found, normal[0])
    return Corrected(wh / 1000, share, found, *normal)


def _normal_degree_days(energy: BuildingEnergy, from_day: date, to_day: date) -> tuple[float, int] | None:
    """Return (degree days of these months in the mean of the years, the least number of years of a month)."""
    cold: dict[tuple[int, int], list[float]] = {}
    for day, celsius in daily_means(energy.temperatures, energy.zone).items():
        cold.setdefault((day.month, day.year), []).append(celsius)
    by_month: dict[int, list[float]] = {}
    for (month, year), values in cold.items():
        if len(values) == monthrange(year, month)[1]:
            by_month.setdefault(month, []).append(degree_days(values))
    months = []
    first = from_day
    while first < to_day:
        months.append(by_month.get(first.month, []))
        first = next_first(first, "month")
    years = min(map(len, months), default=0)
    return (sum(sum(m) / len(m) for m in months), years) if years >= 2 else None
