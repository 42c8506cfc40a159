"""The energy pages: buildings by what deserves attention, one building, and what measures have brought."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.building_report import PeriodFigures, is_known
from gateway.energy.co2 import Co2
from gateway.energy.periods import first_day, next_first
from gateway.store import StoreError
from gateway.store.damage import Unreadable
from gateway.store.energy_book import ANSWERS
from gateway.store.energy_book import FILE_NAME as BOOK
from gateway.store.meter_hours import FILE_NAME as METERS
from gateway.web.door import Door
from gateway.web.energy_answer import NOTE_MAX, answer
from gateway.web.energy_charts import SHADES
from gateway.web.energy_compare import LENGTHS, Span, first_choices
from gateway.web.energy_values import BuildingPage
from gateway.web.energy_view import MONTHS_SHOWN, SORTS, EnergyView
from gateway.web.meter_notes import by_hour, by_month, marks
from gateway.web.words import Words

Render = Callable[..., Response]
Answering = Callable[[Request], Awaitable[Response]]
log = structlog.get_logger()


class EnergyPages:
    """Routes of the energy pages. `render` fills in a template for a request, as all pages do.

    `door` knows who may answer a deviation; without it nobody can.
    """

    def __init__(
        self,
        view: EnergyView,
        render: Render,
        words: Callable[[Request], Words],
        door: Door | None = None,
    ) -> None:
        self._view = view
        self._render = render
        self._words = words
        self.routes = [
            Route("/energy", self._or_trouble(self._overview)),
            Route("/energy/{building}/hours.csv", self._or_trouble(self._hours)),
            Route("/energy/{building}.csv", self._or_trouble(self._csv)),
            Route("/energy/{building}", self._or_trouble(self._building)),
            Route("/energy-report", self._or_trouble(self._report)),
            Route("/energy-compare", self._or_trouble(self._compare)),
            Route("/measures", self._or_trouble(self._measures)),
        ]
        if door is not None:
            take = self._or_trouble(lambda request: answer(request, view, door))
            self.routes.append(Route("/energy", take, methods=["POST"]))
        self._trouble = ""

    def _or_trouble(self, page: Answering) -> Answering:
        """Return what answers like `page`, and in words where a file cannot be read; logged once."""

        async def answering(request: Request) -> Response:
            try:
                response = await page(request)
            except StoreError as error:
                if str(error) != self._trouble:
                    log.error("energy_unreadable", path=request.url.path, reason=str(error))  # noqa: TRY400
                self._trouble = str(error)
                damaged = error.path.name if isinstance(error, Unreadable) and error.damaged else ""
                key = damaged if damaged in (BOOK, METERS) else "access"
                return self._render(request, "energy_trouble.html", 503, key=key, reason=str(error))
            self._trouble = ""
            return response

        return answering

    async def _overview(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._view.overview_now)
        return self._render(request, "energy.html", found=found, day_s=self._day_s)

    async def _building(self, request: Request) -> Response:
        page = await self._page(request)
        figures = _with_year_before(page.figures)[:MONTHS_SHOWN]
        sort = next((s for s in SORTS if s == request.query_params.get("days")), "all")
        notes = await asyncio.to_thread(self._view.notes, page.building)
        months = by_month(notes, self._view.zone)
        marked = months.get(f"{page.month:%Y-%m}", ())
        warned = None
        if page.month == page.months[-1]:
            warned = await asyncio.to_thread(self._view.warned, page.building.id)
        return self._render(
            request,
            "energy_building.html",
            page=page,
            warned=warned,
            notes=notes,
            noted=months,
            marked=marked,
            marks=marks(marked, self._view.zone, page.heat.days) if page.heat else (),
            shades=range(SHADES),
            day_s=self._day_s,
            month_text=lambda month: self._month_text(month, request),
            figures=figures,
            factors=_factors([figure for figure, _ in figures if is_known(figure)]),
            sort=sort,
            sorts=SORTS,
            answers=ANSWERS,
            note_max=NOTE_MAX,
            said=request.query_params.get("said", "") in ANSWERS,
            charges={charge.month: charge for charge in page.charges},
        )

    async def _compare(self, request: Request) -> Response:
        """Compare what is asked for; else the first building's last twelve months with those before."""
        asked, buildings = request.query_params, [building.id for building in self._view.site.buildings]
        choices = first_choices(self._view.today)
        months = next((n for n in LENGTHS if str(n) == asked.get("months")), LENGTHS[-1])

        def span(side: str, otherwise: date) -> Span:
            first = _month(request, f"from_{side}")
            named = asked.get(side, "")
            building = named if named in buildings else buildings[0]
            return Span(building, first if first in choices else otherwise, months)

        found = None
        left = right = Span("", choices[-1], months)
        if buildings:
            left, right = span("a", choices[12]), span("b", choices[24])
            found = await asyncio.to_thread(self._view.compare, left, right)
        kept = {k: v for k, v in asked.items() if k in ("lang", "theme")}
        return self._render(
            request,
            "energy_compare.html",
            found=found,
            left=left,
            right=right,
            choices=choices,
            lengths=LENGTHS,
            kept=kept,
            month_text=lambda month: self._month_text(month, request),
        )

    async def _report(self, request: Request) -> Response:
        running = first_day(self._view.today, "month")
        month = min(_month(request) or first_day(running - timedelta(days=1), "month"), running)
        rows = await asyncio.to_thread(self._view.report, month)
        return self._render(
            request,
            "energy_report.html",
            rows=rows,
            month=month,
            earlier=first_day(month - timedelta(days=1), "month"),
            later=next_first(month, "month") if month < running else None,
            running=month == running,
            month_text=lambda month: self._month_text(month, request),
        )

    async def _csv(self, request: Request) -> Response:
        page = await self._page(request)
        name = f"{self._view.site.id}-{page.building.id}-energy.csv"
        return _file(_csv_text(page), name)

    async def _hours(self, request: Request) -> Response:
        page = await self._page(request)
        words = self._words(request)
        notes = by_hour(await asyncio.to_thread(self._view.notes, page.building))
        lines = ["building,hour,kwh,estimated,meter_events"]
        lines += [
            f"{page.building.id},{words.iso(hour.start_s)},{hour.wh / 1000:.3f},{int(hour.estimated)},"
            + " ".join(note.kind for note in notes.get(hour.start_s, ()))
            for hour in page.hours
        ]
        name = f"{self._view.site.id}-{page.building.id}-{page.month:%Y-%m}.csv"
        return _file("\n".join(lines) + "\n", name)

    async def _measures(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._view.measures)
        names = {building.id: building.name for building in self._view.site.buildings}
        carriers = {building.id: building.counted_carriers for building in self._view.site.buildings}
        return self._render(
            request, "measures.html", found=found, names=names, carriers=carriers, day_s=self._day_s
        )

    async def _page(self, request: Request) -> BuildingPage:
        name = request.path_params["building"]
        try:
            return await asyncio.to_thread(self._view.building, name, _month(request))
        except KeyError as error:
            raise HTTPException(404) from error

    def _month_text(self, month: date | str, request: Request) -> str:
        """Return "des. 2025" or "Dec 2025"."""
        first = date.fromisoformat(f"{month}-01") if isinstance(month, str) else month
        return self._words(request).day(self._day_s(first), year=True).partition(" ")[2]

    def _day_s(self, day: date) -> float:
        """Return a moment of a day, to be written as that day."""
        noon = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001  the zone is the site's
        return noon.replace(tzinfo=self._view.zone).timestamp()


def _file(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _month(request: Request, name: str = "month") -> date | None:
    """Return the month asked for as ?month=202603; None where none is, or none that can be."""
    text = request.query_params.get(name, "")
    try:
        return datetime.strptime(text, "%Y%m").date()  # noqa: DTZ007  a month has no zone
    except ValueError:
        return None


def _with_year_before(figures: Sequence[PeriodFigures]) -> list[tuple[PeriodFigures, PeriodFigures | None]]:
    """Return each month, newest first, with the same month of the year before where it is known."""
    by_label = {figure.label: figure for figure in figures}

    def before(figure: PeriodFigures) -> PeriodFigures | None:
        found = by_label.get(f"{int(figure.label[:4]) - 1}{figure.label[4:]}")
        return found if found and is_known(found) else None

    return [(figure, before(figure)) for figure in reversed(figures)]


def _factors(figures: Sequence[PeriodFigures]) -> list[tuple[str, str, Co2 | None, bool]]:
    """Return each CO2 factor of some months: (carrier, years of the energy, factor, whether it is older)."""
    years: dict[tuple[str, int, bool], set[int]] = {}
    factors: dict[tuple[str, int, bool], Co2 | None] = {}
    for figure in figures:
        year = int(figure.label[:4])
        for c in figure.carriers:
            key = c.carrier, c.co2.year if c.co2 else 0, c.co2 is not None and c.co2.year < year
            years.setdefault(key, set()).add(year)
            factors[key] = c.co2
    return [
        (key[0], ", ".join(map(str, sorted(of))), factors[key], key[2]) for key, of in sorted(years.items())
    ]


def _csv_text(page: BuildingPage) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("month", "kwh", "kwh_per_m2", "coverage_percent", "estimated_percent", "base_load_w", "peak_w")
    carriers = page.building.counted_carriers
    co2 = [f"co2_{carrier}_kg" for carrier in carriers]
    writer.writerow(("building", *columns, "peak_at_utc_s", "degree_days", *co2))
    for figure in page.figures:
        nothing = not is_known(figure)
        peak = figure.peak
        writer.writerow(
            (
                page.building.id,
                figure.label,
                "" if nothing else f"{figure.counted_kwh:.3f}",
                "" if nothing else f"{figure.per_m2:.3f}",
                f"{100 * figure.coverage:.1f}",
                f"{100 * figure.estimated_share:.1f}",
                "" if figure.base_load_w is None else figure.base_load_w,
                "" if peak is None else peak.wh,
                "" if peak is None else peak.start_s,
                "" if figure.degree_days is None else f"{figure.degree_days:.1f}",
                *(f"{c.co2.grams / 1000:.1f}" if c.co2 and c.total.hours else "" for c in figure.carriers),
            )
        )
    return text.getvalue()
