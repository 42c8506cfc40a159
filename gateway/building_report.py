"""What is said of buildings: period by period, measure by measure, and which one deserves attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from device_configs.building_schema import Building, Initiative
from device_configs.emissions import emissions
from gateway.buildings import ELECTRICITY, BuildingEnergy, Sources
from gateway.energy.co2 import Co2, co2, co2_by_year
from gateway.energy.deviations import Deviation, deviation, ranked
from gateway.energy.et_curve import TooFewDays
from gateway.energy.figures import base_load_w, idle_share, peak, per_area
from gateway.energy.hours import Hour, between
from gateway.energy.peaks import MonthCharge, month_charges
from gateway.energy.periods import Kind, Total, local_day, next_first, start_of
from gateway.energy.savings import Saving, saving
from gateway.energy.weather import daily_means, degree_days
from gateway.store.energy_book import Figure

Missing = Literal["", "days", "band"]
YEAR_DAYS = 365
# Deviations look back so far: two weeks hold two of each weekday.
LOOK_BACK_DAYS = 14


@dataclass(frozen=True, slots=True)
class CarrierTotal:
    """One carrier in one period, with its CO2 where the table has a factor."""

    carrier: str
    total: Total
    co2: Co2 | None


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """One building in one period. `counted_kwh` is what counts in kWh/m²: the sum of `carriers`."""

    label: str
    carriers: tuple[CarrierTotal, ...]
    counted_kwh: float
    per_m2: float
    base_load_w: int | None
    idle_share: float | None
    peak: Hour | None
    degree_days: float | None

    @property
    def coverage(self) -> float:
        """The coverage of the carrier that is known worst."""
        return min(carrier.total.coverage for carrier in self.carriers)

    @property
    def estimated_share(self) -> float:
        hours = sum(carrier.total.hours for carrier in self.carriers)
        return sum(carrier.total.estimated for carrier in self.carriers) / hours if hours else 0.0


def period_figures(energy: BuildingEnergy, kind: Kind, from_day: date, to_day: date) -> list[PeriodFigures]:
    """Return a building's figures for each period, up to but without `to_day`."""
    building = energy.building
    by_carrier = {c: energy.totals(kind, from_day, to_day, c) for c in building.counted_carriers}
    temperatures = daily_means(energy.temperatures, energy.zone)
    found = []
    for i in range(len(next(iter(by_carrier.values())))):
        carriers = tuple(
            CarrierTotal(c, t[i], co2(t[i].wh, c, _year(t[i], energy), emissions()))
            for c, t in by_carrier.items()
        )
        one = carriers[0].total
        hours = between(energy.electricity, one.start_s, one.end_s)
        wh = sum(carrier.total.wh for carrier in carriers)
        days = _days(one, energy)
        cold = [temperatures[day] for day in days if day in temperatures]
        found.append(
            PeriodFigures(
                label=one.label,
                carriers=carriers,
                counted_kwh=wh / 1000,
                per_m2=per_area(wh, building.heated_area_m2),
                base_load_w=base_load_w(hours),
                idle_share=idle_share(hours, energy.zone, energy.in_use),
                peak=peak(hours),
                degree_days=degree_days(cold) if days and len(cold) == len(days) else None,
            )
        )
    return found


def year_co2(energy: BuildingEnergy, today: date) -> dict[str, int | None]:
    """Return the CO2 (g) of the 365 days before `today` by counted carrier; None without factor or energy."""
    found: dict[str, int | None] = {}
    for carrier in energy.building.counted_carriers:
        totals = energy.totals("year", today - timedelta(days=YEAR_DAYS), today, carrier)
        wh = {_year(total, energy): total.wh for total in totals if total.hours}
        grams = [made.grams if made else None for made in co2_by_year(wh, carrier, emissions()).values()]
        known = [g for g in grams if g is not None]
        found[carrier] = sum(known) if grams and len(known) == len(grams) else None
    return found


def _year(total: Total, energy: BuildingEnergy) -> int:
    return local_day(total.start_s, energy.zone).year


def _days(total: Total, energy: BuildingEnergy) -> list[date]:
    first, last = (local_day(at_s, energy.zone) for at_s in (total.start_s, total.end_s - 1))
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def reported(
    energy: BuildingEnergy, figures: Sequence[PeriodFigures], now_ms: int, today: date
) -> list[Figure]:
    """Return the figures of the periods that are over, as the book keeps them."""
    over_s = start_of(today, energy.zone)
    return [
        Figure(
            energy.building.id,
            carrier.carrier,
            figure.label,
            0,
            carrier.total.wh,
            carrier.total.hours,
            carrier.total.estimated,
            now_ms,
        )
        for figure in figures
        for carrier in figure.carriers
        if carrier.total.end_s <= over_s and carrier.total.hours
    ]


def counts_for_goals(initiative: Initiative) -> bool:
    """Whether an initiative counts for the strategy's goals: what is only claimed does not."""
    return initiative.proof != "claimed" and initiative.status in ("running", "done")


def goal_counts(initiatives: Sequence[Initiative]) -> dict[str, int]:
    """Return what the initiatives that count add up to, by goal."""
    counted = [initiative for initiative in initiatives if counts_for_goals(initiative)]
    return {
        name: sum(getattr(initiative.counts, name) for initiative in counted)
        for name in ("improvements", "funds_kr", "media_mentions", "jobs")
    }


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What an initiative has brought, or why that cannot be said yet.

    `co2` is that of the saved electricity, by the factor of the last day's year, within ± `co2_band_g`.
    """

    initiative: Initiative
    saving: Saving | None
    reason: str = ""
    kr_a_year: float | None = None
    co2: Co2 | None = None
    co2_band_g: int | None = None


def measure_result(energy: BuildingEnergy | None, initiative: Initiative, today: date) -> MeasureResult:
    """Compare a measure's building before and after: up to 365 days before the work began, and all since."""
    if energy is None:
        return MeasureResult(initiative, None, "it names no building")
    began, done = initiative.since, initiative.after
    if initiative.work_until is not None:
        done += timedelta(days=1)
    before = [day for day in energy.days if began - timedelta(days=YEAR_DAYS) <= day.day < began]
    after = [day for day in energy.days if done <= day.day < today]
    try:
        found = saving(before, after)
    except TooFewDays as error:
        return MeasureResult(initiative, None, str(error))
    price = energy.building.price_ore_per_kwh
    kr = found.kwh / found.days * YEAR_DAYS * price / 100 if price is not None else None
    saved = co2(round(1000 * found.kwh), ELECTRICITY, found.to_day.year, emissions())
    band_g = round(found.band_kwh * saved.g_per_kwh) if saved else None
    return MeasureResult(initiative, found, "", kr, saved, band_g)


@dataclass(frozen=True, slots=True)
class MonthReport:
    """One building in one month, beside the same month a year before and what was to be expected."""

    building: Building
    figures: PeriodFigures
    year_before: PeriodFigures | None
    deviation: Deviation | None
    charge: MonthCharge | None

    @property
    def known(self) -> bool:
        return is_known(self.figures)


def is_known(figures: PeriodFigures) -> bool:
    """Whether anything is known of a period at all."""
    return any(carrier.total.hours for carrier in figures.carriers)


def month_report(energy: BuildingEnergy, month: date, today: date) -> MonthReport:
    """Return one month of a building; what was to be expected follows from the 365 days before it."""
    end = min(next_first(month, "month"), today)
    before = month.replace(year=month.year - 1)
    (figures,) = period_figures(energy, "month", month, max(end, month + timedelta(days=1)))
    (earlier,) = period_figures(energy, "month", before, next_first(before, "month"))
    curve = energy.curve(month)
    days = [day for day in energy.days if month <= day.day < end]
    name, price = energy.building.id, energy.building.price_ore_per_kwh
    charges = (
        month_charges(energy.electricity, energy.tariff, energy.zone, month, end) if energy.tariff else ()
    )
    return MonthReport(
        energy.building,
        figures,
        earlier if is_known(earlier) else None,
        deviation(name, curve, days, price) if curve else None,
        charges[0] if charges else None,
    )


@dataclass(frozen=True, slots=True)
class BuildingState:
    """How a building stands: what it used in the last 365 days, and whether it stands out now.

    Without a deviation, `reason` says what is missing: `band` (too few days to know what to expect) or `days`
    (no whole day of late).
    """

    building: Building
    year_kwh: float
    year_per_m2: float
    coverage: float
    base_load_w: int | None
    deviation: Deviation | None
    reason: Missing = ""


def building_state(energy: BuildingEnergy, today: date) -> BuildingState:
    """Return how a building stands at the beginning of `today`."""
    from_day = today - timedelta(days=YEAR_DAYS)
    all_totals = [energy.totals("year", from_day, today, c) for c in energy.building.counted_carriers]
    wh = sum(total.wh for of_carrier in all_totals for total in of_carrier)
    electricity = energy.totals("year", from_day, today, ELECTRICITY)
    hours, expected = sum(t.hours for t in electricity), sum(t.expected for t in electricity)
    recent = [day for day in energy.days if today - timedelta(days=LOOK_BACK_DAYS) <= day.day < today]
    # Judged by the days before them, so that what is wrong now does not become what is expected.
    curve = energy.curve(today - timedelta(days=LOOK_BACK_DAYS))
    found = None
    reason: Missing = "days"
    if curve is None:
        reason = "band"
    else:
        found = deviation(energy.building.id, curve, recent, energy.building.price_ore_per_kwh)
    return BuildingState(
        building=energy.building,
        year_kwh=wh / 1000,
        year_per_m2=per_area(wh, energy.building.heated_area_m2),
        coverage=hours / expected if expected else 0.0,
        base_load_w=base_load_w(energy.between(from_day, today)),
        deviation=found,
        reason="" if found else reason,
    )


def overview(sources: Sources, today: date) -> list[BuildingState]:
    """Return every building, those first that deserve attention, then those of which too little is known."""
    return by_attention([building_state(energy, today) for energy in sources.buildings()])


def by_attention(states: Sequence[BuildingState]) -> list[BuildingState]:
    """Return the buildings, those first that deserve attention, then those of which too little is known."""
    by_name = {state.building.id: state for state in states}
    order = [found.building for found in ranked([s.deviation for s in states if s.deviation])]
    return [by_name[name] for name in order] + [state for state in states if state.deviation is None]
