"""What `sensornett energy` says of each thing, as rows of plain values with the units in their names."""

from collections.abc import Sequence
from datetime import datetime

from gateway.building_report import (
    BuildingState,
    MeasureResult,
    PeriodFigures,
    is_known,
)
from gateway.building_weather import Corrected, in_normal_weather
from gateway.buildings import BuildingEnergy
from gateway.energy.peaks import MonthCharge
from gateway.energy.periods import Total, local_day
from gateway.energy.reconcile import Month
from gateway.energy.savings import monthly_cv_rmse
from gateway.store.energy_book import Answer, EnergyBook, Figure
from gateway.web.energy_values import Warned
from tools.energy_tables import Row, percent, rounded

MISSING = {
    "": None,
    "band": "fewer than 30 whole days with a temperature",
    "days": "no whole day in the last two weeks",
}


def period(energy: BuildingEnergy, figures: PeriodFigures, book: EnergyBook | None, by: str) -> Row:
    """One building in one period. With several carriers, kWh is what counts in kWh/m²."""
    corrected = _corrected(energy, figures, by)
    grams = [c.co2.grams if c.co2 else None for c in figures.carriers]
    known = [g for g in grams if g is not None]
    peak = figures.peak
    nothing = not is_known(figures)
    kept = None
    if book is not None and len(figures.carriers) == 1:
        kept = book.figure(energy.building.id, figures.carriers[0].carrier, figures.label)
    return {
        "building": energy.building.id,
        "period": figures.label,
        "kwh": None if nothing else rounded(figures.counted_kwh),
        "kwh_per_m2": None if nothing else rounded(figures.per_m2, 2),
        "coverage_percent": percent(figures.coverage),
        "estimated_percent": percent(figures.estimated_share),
        "base_load_kw": rounded(figures.base_load_w / 1000) if figures.base_load_w is not None else None,
        "night_weekend_percent": percent(figures.idle_share),
        "peak_kw": rounded(peak.wh / 1000) if peak else None,
        "peak_at": local(energy, peak.start_s) if peak else None,
        "degree_days": rounded(figures.degree_days, 1),
        "normal_degree_days": rounded(corrected.normal_degree_days, 1) if corrected else None,
        "electricity_in_normal_weather_kwh": rounded(corrected.kwh, 0) if corrected else None,
        "co2_kg": None if nothing or None in grams else rounded(sum(known) / 1000, 1),
        "revision": kept.revision if kept else None,
        "reported_kwh": rounded(kept.wh / 1000) if kept else None,
    }


def _corrected(energy: BuildingEnergy, figures: PeriodFigures, by: str) -> Corrected | None:
    """Return the figures in normal weather, of whole months and years."""
    if by not in ("month", "year"):
        return None
    total = figures.carriers[0].total
    first, end = (local_day(at_s, energy.zone) for at_s in (total.start_s, total.end_s))
    whole = (first.day, end.day) == (1, 1) and (by == "month" or (first.month, end.month) == (1, 1))
    return in_normal_weather(energy, first, end) if whole else None


def of_carrier(energy: BuildingEnergy, carrier: str, totals: Sequence[Total]) -> list[Row]:
    """One carrier of a building, period by period: kWh, or m³ of water."""
    unit = "m3" if carrier == "water" else "kwh"
    return [
        {
            "building": energy.building.id,
            "carrier": carrier,
            "period": total.label,
            unit: rounded(total.wh / 1000) if total.hours else None,
            "coverage_percent": percent(total.coverage),
            "estimated_percent": percent(total.estimated / total.hours) if total.hours else None,
        }
        for total in totals
    ]


def revise(rows: Sequence[Row], kept: Sequence[Figure]) -> None:
    """Put the revisions that were just kept into their rows."""
    by_place = {(figure.building, figure.period): figure for figure in kept}
    for row in rows:
        figure = by_place.get((row["building"], row["period"]))
        if figure is not None:
            row["revision"] = figure.revision
            if figure.before_wh is not None:
                row["reported_kwh"] = rounded(figure.before_wh / 1000)


def revision_notes(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each figure that is not what was reported before."""
    notes = []
    for row in rows:
        before, now = row["reported_kwh"], row["kwh"]
        if before is not None and now is not None and before != now:
            difference = f"{now - before:+.3f} kWh"
            notes.append(
                f"{row['building']} {row['period']}: was reported as {before:.3f} kWh, {difference} since"
            )
    return notes


def local(energy: BuildingEnergy, at_s: int) -> str:
    """Return a local time with its offset."""
    return datetime.fromtimestamp(at_s, energy.zone).isoformat(timespec="minutes")


def measure(result: MeasureResult) -> Row:
    """What a measure has brought. All energies in kWh, the band at 90 %."""
    initiative, saving = result.initiative, result.saving
    curve = saving.baseline if saving else None
    return {
        "initiative": initiative.id,
        "building": initiative.building,
        "since": str(initiative.since),
        "proof": initiative.proof,
        "verdict": saving.verdict if saving else None,
        "saved_kwh": rounded(saving.kwh, 0) if saving else None,
        "band_kwh": rounded(saving.band_kwh, 0) if saving else None,
        "saved_percent": percent(saving.share) if saving else None,
        "band_percent": percent(saving.band_share) if saving else None,
        "kr_a_year": rounded(result.kr_a_year, 0),
        "co2_saved_kg": rounded(result.co2.grams / 1000, 1) if result.co2 else None,
        "co2_band_kg": rounded(result.co2_band_g / 1000, 1) if result.co2_band_g is not None else None,
        "co2_factor_year": result.co2.year if result.co2 else None,
        "days_before": len(curve.days) if curve else None,
        "days_after": saving.days if saving else None,
        "days_beyond": saving.beyond if saving else None,
        "r2": rounded(curve.r2) if curve else None,
        "cv_rmse_percent": percent(curve.cv_rmse) if curve else None,
        "monthly_cv_rmse_percent": percent(monthly_cv_rmse(curve)) if curve else None,
        "nmbe_percent": percent(curve.nmbe) if curve else None,
        "autocorrelation": rounded(curve.rho, 2) if curve else None,
        "uncertainty_68_percent": percent(saving.uncertainty) if saving else None,
        "meets_ashrae_14": saving.meets_guideline if saving else None,
        "reason": result.reason or None,
    }


def sentence(result: MeasureResult) -> str:
    """Return the result in one sentence."""
    name, saving = result.initiative.id, result.saving
    if saving is None:
        return f"{name}: nothing can be said yet: {result.reason}"
    band = f"± {100 * saving.band_share:.1f} % (90 %)"
    days = f"{saving.days} days from {saving.from_day} to {saving.to_day}"
    if saving.verdict == "not shown":
        return f"{name}: no saving is shown: {100 * saving.share:.1f} % {band} on {days} may as well be none"
    word = "less" if saving.kwh > 0 else "MORE"
    text = f"{name}: {abs(100 * saving.share):.1f} % {word} {band}, {abs(saving.kwh):,.0f} kWh on {days}"
    return text + (f"; {saving.beyond} of them beyond what the model has seen" if saving.beyond else "")


def charge(energy: BuildingEnergy, found: MonthCharge) -> Row:
    """One month's capacity charge, without taxes and VAT."""
    return {
        "building": energy.building.id,
        "month": found.month,
        "peaks": " ".join(f"{local(energy, h.start_s)}={h.wh / 1000:.1f}" for h in found.peaks),
        "demand_kw": rounded(found.demand_w / 1000),
        "step_from_kw": rounded(found.step_from_w / 1000, 0) if found.step_from_w is not None else None,
        "capacity_kr": found.capacity_ore / 100,
        "energy_kr": found.energy_ore / 100,
        "coverage_percent": percent(found.coverage),
        "estimated_hours": found.estimated,
        "doubtful": found.doubtful,
        "tariff": found.source,
    }


def month(energy: BuildingEnergy, found: Month) -> Row:
    """One month of a building's own meters beside the settled series, over the hours both have."""
    return {
        "building": energy.building.id,
        "month": found.label,
        "node_kwh": rounded(found.node_wh / 1000),
        "settled_kwh": rounded(found.settled_wh / 1000),
        "difference_kwh": rounded(found.difference_wh / 1000),
        "difference_percent": percent(found.difference_wh / found.settled_wh) if found.settled_wh else None,
        "common_hours": found.common,
        "node_hours": found.node_hours,
        "settled_hours": found.settled_hours,
        "expected_hours": found.expected,
        "verdict": found.verdict,
    }


def state(found: BuildingState, said: Answer | None) -> Row:
    """How a building stands."""
    deviation = found.deviation
    return {
        "building": found.building.id,
        "stands_out": deviation.stands_out if deviation else None,
        "kwh_above_expected": rounded(deviation.kwh, 0) if deviation else None,
        "band_kwh": rounded(deviation.band_kwh, 0) if deviation else None,
        "kr_above_expected": rounded(deviation.ore / 100, 0)
        if deviation and deviation.ore is not None
        else None,
        "since": str(deviation.since) if deviation and deviation.since else None,
        "days": deviation.days if deviation else None,
        "year_kwh": rounded(found.year_kwh, 0),
        "year_kwh_per_m2": rounded(found.year_per_m2, 1),
        "year_coverage_percent": percent(found.coverage),
        "owner": found.building.caretaker,
        "status": said.status if said else None,
        "said_by": said.role if said else None,
        "note": said.note if said else None,
        "reason": MISSING[found.reason],
    }


def hour(energy: BuildingEnergy, warned: Warned | None) -> Row:
    """The running hour of a building; all None but its name where nothing can be said."""
    found = warned.projection if warned else None
    return {
        "building": energy.building.id,
        "outlook": warned.outlook if warned else None,
        "used_kwh": rounded(found.so_far_wh / 1000, 1) if found else None,
        "expected_kwh": rounded(found.expected_wh / 1000, 1) if found else None,
        "low_kwh": rounded(found.low_wh / 1000, 1) if found else None,
        "high_kwh": rounded(found.high_wh / 1000, 1) if found else None,
        "limit_kwh": rounded(warned.limit_w / 1000, 1) if warned else None,
        "extra_kr": rounded(warned.extra_ore / 100, 0) if warned else None,
    }
