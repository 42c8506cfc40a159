"""`sensornett energy`: look into buildings' consumption."""

import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from device_configs.building_schema import Initiative
from device_configs.import_schema import CARRIERS, load_mapping
from device_configs.tariff import Tariff
from gateway.building_report import (
    LOOK_BACK_DAYS,
    building_state,
    measure_result,
    overview,
    period_figures,
    reported,
)
from gateway.buildings import ELECTRICITY
from gateway.energy.peaks import month_charges
from gateway.energy.periods import Kind
from gateway.energy.reconcile import likely_factor, reconcile
from gateway.energy_letter import letters, peak_letter
from gateway.energy_post import language_of
from gateway.store import StoreError
from gateway.store.energy_book import ANSWERS, Answer, EnergyBook
from gateway.web.energy_view import EnergyView
from tools import energy_rows
from tools.energy_events import events
from tools.energy_import import import_files
from tools.energy_post import send_letters
from tools.energy_sources import (
    FAILED,
    USAGE,
    AsCsv,
    AsJson,
    From,
    SiteDir,
    StateDir,
    To,
    Which,
    chosen,
    day,
    fail,
    now_ms,
    opened,
    records_of,
    span,
    today,
)
from tools.energy_tables import show

app = typer.Typer(help="Look into buildings' consumption.", no_args_is_help=True)
app.command("events")(events)


@app.command()
def report(
    site: SiteDir,
    state: StateDir,
    building: Which = None,
    from_: From = None,
    to: To = None,
    by: Annotated[str, typer.Option("--by", help="hour, day, week, month or year.")] = "month",
    carrier: Annotated[
        str | None, typer.Option(help="Only this carrier: electricity, district_heat, oil, gas, wood, water.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Remember the figures: a later change is told as a revision.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Consumption, kWh/m², base load, peak, night and weekend share, CO2; coverage beside every figure.

    Without --carrier the carriers that count in kWh/m² are added up.
    """
    if carrier is not None and carrier not in CARRIERS:
        fail(f"--carrier can not be `{carrier}`", USAGE)
    kinds: dict[str, Kind] = {"hour": "hour", "day": "day", "week": "week", "month": "month", "year": "year"}
    if by not in kinds:
        fail(f"--by can not be `{by}`: hour, day, week, month or year", USAGE)
    rows, figures = [], []
    with opened(site, state) as sources:
        begin, end = span(sources.site, from_, to)
        now = today(sources.site)
        for energy in chosen(sources, building):
            if carrier is not None:
                rows += energy_rows.of_carrier(energy, carrier, energy.totals(kinds[by], begin, end, carrier))
                continue
            made = period_figures(energy, kinds[by], begin, end)
            figures += reported(energy, made, now_ms(), now)
            rows += [energy_rows.period(energy, figure, sources.book, by) for figure in made]
    if carrier is not None:
        show(rows, as_json=as_json, as_csv=as_csv)
        return
    if keep:
        if by != "month" or begin.day != 1 or (to is not None and end.day != 1):
            fail("--keep goes with whole months: --by month, and --from and --to on the first of one", USAGE)
        with written(state) as book:
            energy_rows.revise(rows, book.report(figures))
    show(rows, as_json=as_json, as_csv=as_csv, notes=energy_rows.revision_notes(rows))


@app.command()
def savings(
    site: SiteDir,
    state: StateDir,
    initiative: Annotated[str | None, typer.Argument(help="Only this initiative, by its id.")] = None,
    building: Which = None,
    since: Annotated[str | None, typer.Option(help="With --building: first day of the measure.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """What measures have saved, each with its band: IPMVP option C, statistics of ASHRAE Guideline 14."""
    rows, notes = [], []
    with opened(site, state) as sources:
        now = today(sources.site)
        wanted = [i for i in sources.site.initiatives if initiative in (None, i.id)]
        if building is not None or since is not None:
            if building is None or since is None:
                fail("--building and --since go together", USAGE)
            wanted = [_measure(building, day(since, now))]
        elif not wanted:
            fail(
                f"initiatives.yaml has no initiative `{initiative}`" if initiative else "no initiatives",
                USAGE,
            )
        for one in wanted:
            energy = chosen(sources, one.building)[0] if one.building else None
            result = measure_result(energy, one, now)
            rows.append(energy_rows.measure(result))
            notes.append(energy_rows.sentence(result))
    show(rows, as_json=as_json, as_csv=as_csv, notes=notes)


def _measure(building: str, since: date) -> Initiative:
    """A measure that is only asked about."""
    return Initiative(
        id="asked", what="asked", where=building, building=building, since=since, goal="-", evidence="-",
        status="running",
    )  # fmt: skip


@app.command()
def peaks(
    site: SiteDir,
    state: StateDir,
    building: Which = None,
    from_: From = None,
    to: To = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """The hours that set each month's capacity charge, and what it costs. An estimated hour never counts."""
    rows, notes = [], []
    with opened(site, state) as sources:
        begin, end = span(sources.site, from_, to)
        for energy in chosen(sources, building):
            tariff: Tariff | None = energy.tariff
            if tariff is None:
                notes.append(f"{energy.building.id}: no `tariff` in buildings.yaml")
                continue
            for charge in month_charges(energy.electricity, tariff, energy.zone, begin, end):
                rows.append(energy_rows.charge(energy, charge))
                if charge.doubtful:
                    notes.append(
                        f"{energy.building.id} {charge.month}: an estimated hour may have been higher"
                    )
    show(rows, as_json=as_json, as_csv=as_csv, notes=notes)


@app.command(name="import")
def import_(
    site: SiteDir,
    state: StateDir,
    mapping: Annotated[Path, typer.Option(help="What the file's columns mean: a YAML file.")],
    files: Annotated[list[Path], typer.Argument(help="CSV files.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Take in series of other systems: Elhub and energy-system exports, readings by hand, temperatures.

    All of the files is taken, or nothing. A value that says something else than before is a new revision.
    """
    rows, notes, failed = import_files(site, state, load_mapping(mapping), files)
    show(rows, as_json=as_json, as_csv=as_csv, notes=notes, ok=not failed)
    if failed:
        raise typer.Exit(FAILED)


@app.command(name="reconcile")
def reconcile_(
    site: SiteDir,
    state: StateDir,
    building: Which = None,
    from_: From = None,
    to: To = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Hold each month's kWh of the nodes against the settled series; exits 1 where they differ."""
    rows, notes = [], []
    with opened(site, state) as sources:
        begin, end = span(sources.site, from_, to)
        for energy in chosen(sources, building):
            months = reconcile(energy.from_nodes, energy.given(ELECTRICITY), energy.zone, begin, end)
            rows += [energy_rows.month(energy, month) for month in months]
            factor = likely_factor(months)
            if factor is not None:
                off = f"every month differs by the factor {factor:.3g}"
                notes.append(f"{energy.building.id}: {off}. Is `meter_factor` in buildings.yaml right?")
    show(rows, as_json=as_json, as_csv=as_csv, notes=notes)
    if any(row["verdict"] == "differs" for row in rows):
        raise typer.Exit(FAILED)


@app.command()
def now(
    site: SiteDir,
    state: StateDir,
    building: Which = None,
    send: Annotated[
        bool, typer.Option("--send", help="Write to the caretaker where a new peak is likely.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """What the running hour will come to, and whether it becomes a peak: ask at minute 20 and 40."""
    rows, found = [], []
    with opened(site, state) as sources:
        language = language_of(sources.site)
        view = EnergyView(sources.site, state, lambda: now_ms() / 1000, records_of(state))
        for energy in chosen(sources, building):
            warned = view.warned(energy.building.id)
            rows.append(energy_rows.hour(energy, warned))
            if warned is not None:
                letter = peak_letter(energy.building, warned, language, sources.site.timezone)
                found += [letter] if letter else []
        notes = send_letters(state, found) if send else []
    show(rows, as_json=as_json, as_csv=as_csv, notes=notes)


@app.command()
def deviations(
    site: SiteDir,
    state: StateDir,
    building: Which = None,
    send: Annotated[
        bool, typer.Option("--send", help="Write to the caretakers, through the channels of the alerts.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Buildings by what deserves attention: kWh and kr above expected, since when, whose, what was said."""
    notes = [f"the last {LOOK_BACK_DAYS} days"]
    with opened(site, state) as sources:
        now = today(sources.site)
        answers = sources.book.answers() if sources.book else {}
        if building is None:
            found = overview(sources, now)
        else:
            found = [building_state(energy, now) for energy in chosen(sources, building)]
        rows = [energy_rows.state(one, answers.get(one.building.id)) for one in found]
        if send:
            written_to = letters(found, answers, language_of(sources.site), sources.site.timezone)
            notes += send_letters(state, written_to)
    show(rows, as_json=as_json, as_csv=as_csv, notes=notes)


@app.command()
def answer(
    site: SiteDir,
    state: StateDir,
    building: Annotated[str, typer.Argument(help="The building's id.")],
    status: Annotated[str, typer.Option(help="seen, known or fixed.")],
    role: Annotated[str, typer.Option(help="Who says so: a role, never a name.")],
    note: Annotated[str, typer.Option(help="What it is, or what was done.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write down what is known of a building's deviation."""
    if status not in ANSWERS:
        fail(f"--status can not be `{status}`: {', '.join(ANSWERS)}", USAGE)
    with opened(site, state) as sources:
        chosen(sources, building)
    with written(state) as book:
        book.answer(Answer(building, status, note, role, now_ms()))
    show([{"building": building, "status": status}], as_json=as_json, as_csv=False)


def written(state: Path, patience_s: float = 5.0) -> EnergyBook:
    """Open the book for writing, waiting a moment for another command to end."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return EnergyBook.write(state, now_ms())
        except StoreError as error:
            if time.monotonic() > end:
                fail(str(error))
            time.sleep(0.2)
