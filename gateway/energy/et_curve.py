"""The ET curve: energy of a day against its outdoor temperature, and the band one expects it in.

Below its change point a building needs so many kWh more for each degree colder; above it, what it always
needs. That is the three-parameter heating model of ASHRAE Guideline 14 (annex on whole-building models) and
of Kissock, Haberl & Claridge, Inverse Modeling Toolkit (RP-1050, 2003). Days on which the building is not in
use have a level, and a slope, of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum, inf, sqrt
from statistics import median
from typing import Literal

from gateway.energy.dependence import ar1_inflation, autocorrelation, long_run_inflation, sum_variance
from gateway.energy.figures import InUse
from gateway.energy.least_squares import Fit, Singular, least_squares
from gateway.energy.periods import Total
from gateway.energy.student_t import t_quantile

Days = Literal["all", "in use", "idle"]

BAND_DAYS = 365
CONFIDENCE = 0.90
MIN_DAYS = 30
MIN_IDLE_DAYS = 20  # fewer do not give idle days a slope of their own
# Residuals further out than this many robust standard deviations do not shape the expected band.
OUTLIER_SIGMA = 4.0
ESTIMATED_SHARE = 0.2
# The change point is searched for in steps of so many °C, each round around the best of the one before.
_SEARCH_C = (2.0, 0.5, 0.1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its energy, its mean outdoor temperature, and whether the building was in use."""

    day: date
    kwh: float
    celsius: float
    in_use: bool = True


class TooFewDays(ValueError):
    """There are not enough days to say what to expect; the text says how many there are."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a building uses on a day, given the temperature. Made by `fit`.

    `change_c`: None where the energy does not follow the temperature. `sigma_kwh`: standard deviation of a
    day's residual, with the degrees of freedom that the autocorrelation leaves. `rho`: correlation of the
    residuals of two days in a row. `inflation`: how many times larger the variance of a long sum of residuals
    is than if days were independent. `r2`, `cv_rmse` and `nmbe` as ASHRAE Guideline 14 defines them. `doubt`
    is the fit with one more column, for how the energy changes with the change point: what it is not known
    by counts in every band.
    """

    change_c: float | None
    fit: Fit
    doubt: Fit
    days: tuple[Day, ...]
    left_out: tuple[Day, ...]
    rho: float
    inflation: float
    sigma_kwh: float
    r2: float
    cv_rmse: float
    nmbe: float
    separate_idle: bool

    @property
    def parameters(self) -> int:
        """How many were fitted, the change point among them."""
        return len(self.fit.coefficients) + (self.change_c is not None)

    @property
    def kwh_per_degree(self) -> float:
        """More energy for each °C colder, on days in use; 0 where it does not follow the temperature."""
        return self.fit.coefficients[-1] if self.change_c is not None else 0.0

    def row(self, celsius: float, in_use: bool = True) -> tuple[float, ...]:
        """Return the model's columns for a day."""
        return _row(self.change_c, celsius, in_use, self.separate_idle)

    def leverage(self, days: Iterable[Day]) -> float:
        """Return the variance of the sum of what is expected on these days, in σ²: the curve is uncertain."""
        rows = [_doubt_row(self.change_c, self.fit, day, self.separate_idle) for day in days]
        return self.doubt.leverage(tuple(map(fsum, zip(*rows, strict=True)))) * self.inflation

    def expected_kwh(self, celsius: float, in_use: bool = True) -> float:
        return self.fit.at(self.row(celsius, in_use))

    def band_kwh(self, celsius: float, in_use: bool = True, confidence: float = CONFIDENCE) -> float:
        """Return the half-width of the band a single day lies in with this confidence."""
        spread = sqrt(1 + self.leverage([Day(date.min, 0.0, celsius, in_use)]))
        return t_quantile(confidence, self.freedom) * self.sigma_kwh * spread

    def excess_kwh(self, day: Day) -> float:
        """Return how much more than expected a day used; negative: less."""
        return day.kwh - self.expected_kwh(day.celsius, day.in_use)

    def is_outlier(self, day: Day, confidence: float = CONFIDENCE) -> bool:
        """Whether a day lies outside the band."""
        return abs(self.excess_kwh(day)) > self.band_kwh(day.celsius, day.in_use, confidence)

    def dependent_share(self, days: Sequence[Day] | None = None) -> float:
        """Return the share of the energy that follows the temperature, 0 to 1; left out: of its own days."""
        of = self.days if days is None else days
        whole = fsum(day.kwh for day in of)
        if self.change_c is None or whole <= 0:
            return 0.0
        constant = fsum(self.expected_kwh(self.change_c, day.in_use) for day in of)
        return min(1.0, max(0.0, 1 - constant / whole))

    def sum_band_kwh(self, days: Sequence[Day], confidence: float = CONFIDENCE) -> float:
        """Return the half-width of the band the sum of so many days lies in with this confidence.

        The variance of a sum of correlated days, and that of the curve itself.
        """
        beyond = self.inflation / ar1_inflation(self.rho)
        variance = sum_variance(len(days), self.rho) * beyond + self.leverage(days)
        return t_quantile(confidence, self.freedom) * self.sigma_kwh * sqrt(variance)

    @property
    def effective_days(self) -> float:
        """n' of ASHRAE Guideline 14: so many independent days say as much."""
        return len(self.days) / self.inflation

    @property
    def freedom(self) -> float:
        """Degrees of freedom of `sigma_kwh`."""
        return max(1.0, self.effective_days - self.parameters)


def days_of(totals: Iterable[Total], temperatures: Mapping[date, float], in_use: InUse) -> list[Day]:
    """Return the days whose energy and temperature are known.

    A day with a missing hour is no day, nor is one more than a fifth of whose hours are estimated.
    """
    found = []
    for total in totals:
        day = date.fromisoformat(total.label)
        whole = total.hours == total.expected and total.estimated <= ESTIMATED_SHARE * total.expected
        if whole and day in temperatures:
            found.append(Day(day, total.kwh, temperatures[day], in_use.on(day)))
    return found


def filtered(days: Iterable[Day], which: Days) -> list[Day]:
    """Return the days of one sort."""
    return [day for day in days if which == "all" or day.in_use == (which == "in use")]


def expected_band(days: Sequence[Day], today: date) -> Curve:
    """Return the curve of the last 365 days before `today`, outliers left out of it. Raises TooFewDays."""
    recent = [day for day in days if today - timedelta(days=BAND_DAYS) <= day.day < today]
    first = fit(recent)
    typical = median(abs(r) for r in first.fit.residuals) * 1.4826  # of a normal distribution: σ
    if not typical:
        return first
    pairs = list(zip(first.days, first.fit.residuals, strict=True))
    kept = [day for day, r in pairs if abs(r) <= OUTLIER_SIGMA * typical]
    return fit(kept, tuple(day for day, r in pairs if abs(r) > OUTLIER_SIGMA * typical))


def fit(days: Sequence[Day], left_out: tuple[Day, ...] = ()) -> Curve:
    """Return the curve of these days: the change point with the least squares. Raises TooFewDays."""
    if len(days) < MIN_DAYS:
        raise TooFewDays(f"{len(days)} whole days with a temperature; at least {MIN_DAYS} are needed")
    ordered = tuple(sorted(days, key=lambda day: day.day))
    idle = sum(not day.in_use for day in ordered)
    separate = MIN_IDLE_DAYS <= idle <= len(ordered) - MIN_IDLE_DAYS
    change, found = _best(ordered, separate)
    try:
        return _curve(change, found, ordered, left_out, separate)
    except Singular:  # a slope of nothing but rounding: where it begins cannot be told
        return _curve(None, _fitted(None, ordered, separate), ordered, left_out, separate)


def _best(days: tuple[Day, ...], separate: bool) -> tuple[float | None, Fit]:
    temperatures = sorted(day.celsius for day in days)
    low, high = (temperatures[int(q * (len(days) - 1))] for q in (0.03, 0.97))
    fits: dict[float, Fit | None] = {}

    def squares(change: float) -> float:
        if change not in fits:
            try:
                fits[change] = _fitted(change, days, separate)
            except Singular:  # no colder day, or not of each sort
                fits[change] = None
        found = fits[change]
        return found.squares if found else inf

    change, width = (low + high) / 2, (high - low) / 2
    for step in _SEARCH_C:
        change = min(_steps(max(low, change - width), min(high, change + width), step), key=squares)
        width = step
    best = fits[change]
    # Energy that rises with the temperature is no heating: the flat model is the honest one.
    if best is None or best.coefficients[-1] <= 0:
        return None, _fitted(None, days, separate)
    return change, best


def _steps(low: float, high: float, step: float) -> list[float]:
    return [low + i * step for i in range(int((high - low) / step) + 1)]


def _fitted(change: float | None, days: Sequence[Day], separate: bool) -> Fit:
    rows = [_row(change, day.celsius, day.in_use, separate) for day in days]
    return least_squares(rows, [day.kwh for day in days])


def _row(change: float | None, celsius: float, in_use: bool, separate: bool) -> tuple[float, ...]:
    idle = float(separate and not in_use)
    head = (1.0, idle) if separate else (1.0,)
    if change is None:
        return head
    cold = max(0.0, change - celsius)
    return (*head, idle * cold, cold) if separate else (*head, cold)


def _doubt_row(change: float | None, found: Fit, day: Day, separate: bool) -> tuple[float, ...]:
    """Return the row and the derivative of the expected energy by the change point."""
    row = _row(change, day.celsius, day.in_use, separate)
    if change is None:
        return row
    slope = found.coefficients[-1] + (found.coefficients[-2] * row[1] if separate else 0)
    return (*row, slope if day.celsius < change else 0.0)


def _curve(
    change: float | None, found: Fit, days: tuple[Day, ...], left_out: tuple[Day, ...], separate: bool
) -> Curve:
    n, p = len(days), len(found.coefficients) + (change is not None)
    mean = fsum(day.kwh for day in days) / n
    around_mean = fsum((day.kwh - mean) ** 2 for day in days)
    rho = autocorrelation([day.day for day in days], found.residuals)
    freedom = max(1.0, n - p * ar1_inflation(rho))
    rmse = sqrt(found.squares / max(1, n - p))
    doubt = least_squares([_doubt_row(change, found, d, separate) for d in days], [d.kwh for d in days])
    return Curve(
        change_c=change,
        fit=found,
        doubt=doubt,
        days=days,
        left_out=left_out,
        rho=rho,
        inflation=max(ar1_inflation(rho), long_run_inflation([day.day for day in days], found.residuals)),
        sigma_kwh=sqrt(found.squares / freedom),
        r2=1 - found.squares / around_mean if around_mean else 0.0,
        cv_rmse=rmse / mean if mean else 0.0,
        nmbe=fsum(found.residuals) / (max(1, n - p) * mean) if mean else 0.0,
        separate_idle=separate,
    )
