"""Before and after a measure: the saving, and how sure one can be of it.

IPMVP option C (whole building): a model of the days before says what the days after would have used in their
own weather; the saving is what they did not use. The uncertainty follows ASHRAE Guideline 14-2014, annex B,
with the effective number of days n' for residuals that follow one another. Its shortened formula with the
factor 1.26 approximates the variance of a sum; here that variance is reckoned out (Curve.sum_band_kwh), and
n' looks further back than the guideline's one day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum, sqrt
from typing import Literal

from gateway.energy.et_curve import CONFIDENCE, Curve, Day, TooFewDays, fit

MIN_BASELINE_DAYS = 90
# Guideline 14: at 68 % confidence the uncertainty has to stay below half of the saving.
GUIDELINE_CONFIDENCE = 0.68
GUIDELINE_UNCERTAINTY = 0.5
MONTHLY_LIMIT = 0.15
# Beyond the coldest and warmest day of the baseline, by more than this share of its range, the model guesses.
BEYOND_SHARE = 0.1

Verdict = Literal["saved", "not shown", "more used"]


@dataclass(frozen=True, slots=True)
class Saving:
    """Energy not used since a measure, in kWh, within ± `band_kwh` at `confidence`.

    `share` and `band_share` are in proportion to what would have been used. `uncertainty` is the fractional
    savings uncertainty of Guideline 14 at 68 %, None where nothing was saved; `beyond` counts days colder or
    warmer than the model has seen.
    """

    baseline: Curve
    from_day: date
    to_day: date
    days: int
    expected_kwh: float
    used_kwh: float
    band_kwh: float
    confidence: float
    uncertainty: float | None
    beyond: int

    @property
    def kwh(self) -> float:
        return self.expected_kwh - self.used_kwh

    @property
    def share(self) -> float:
        return self.kwh / self.expected_kwh if self.expected_kwh else 0.0

    @property
    def band_share(self) -> float:
        return self.band_kwh / self.expected_kwh if self.expected_kwh else 0.0

    @property
    def verdict(self) -> Verdict:
        """`not shown` while the band holds zero."""
        if abs(self.kwh) <= self.band_kwh:
            return "not shown"
        return "saved" if self.kwh > 0 else "more used"

    @property
    def meets_guideline(self) -> bool:
        """Whether the saving is sure enough for ASHRAE Guideline 14."""
        return self.uncertainty is not None and self.uncertainty <= GUIDELINE_UNCERTAINTY


def saving(before: Sequence[Day], after: Sequence[Day], confidence: float = CONFIDENCE) -> Saving:
    """Return the saving on the days after, measured against the days before. Raises TooFewDays.

    Give a whole year before where there is one: a model of summer days knows nothing about winter.
    """
    if len(before) < MIN_BASELINE_DAYS:
        raise TooFewDays(
            f"{len(before)} whole days with a temperature before the measure; {MIN_BASELINE_DAYS} are needed"
        )
    if not after:
        raise TooFewDays("no whole day with a temperature after the measure yet")
    return against(fit(before), after, confidence)


def against(baseline: Curve, after: Sequence[Day], confidence: float = CONFIDENCE) -> Saving:
    """Return the saving on the days after, measured against a curve made before."""
    days = sorted(after, key=lambda day: day.day)
    expected = fsum(baseline.expected_kwh(day.celsius, day.in_use) for day in days)
    used = fsum(day.kwh for day in days)
    sure = baseline.sum_band_kwh(days, GUIDELINE_CONFIDENCE)
    coldest, warmest = (pick(day.celsius for day in baseline.days) for pick in (min, max))
    margin = BEYOND_SHARE * (warmest - coldest)
    return Saving(
        baseline=baseline,
        from_day=days[0].day,
        to_day=days[-1].day,
        days=len(days),
        expected_kwh=expected,
        used_kwh=used,
        band_kwh=baseline.sum_band_kwh(days, confidence),
        confidence=confidence,
        uncertainty=sure / (expected - used) if expected > used else None,
        beyond=sum(not coldest - margin <= day.celsius <= warmest + margin for day in days),
    )


def monthly_cv_rmse(curve: Curve) -> float | None:
    """Return CV(RMSE) of the curve's whole months, as ASHRAE Guideline 14 asks for monthly models.

    None with fewer than three months of at least 25 days. The guideline's limit is MONTHLY_LIMIT.
    """
    months: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for day, residual in zip(curve.days, curve.fit.residuals, strict=True):
        months.setdefault((day.day.year, day.day.month), []).append((residual, day.kwh))
    sums = [(fsum(r for r, _ in m), fsum(k for _, k in m)) for m in months.values() if len(m) >= 25]
    if len(sums) < 3:
        return None
    mean = fsum(kwh for _, kwh in sums) / len(sums)
    return sqrt(fsum(r * r for r, _ in sums) / (len(sums) - 1)) / mean if mean else None
