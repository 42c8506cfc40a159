"""The energy pages as a browser asks for them, in both languages."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import apsw
import pytest

from gateway.energy.given import Given
from gateway.energy.periods import start_of
from gateway.model import RegisterEvent
from gateway.store.damage import Unreadable
from gateway.store.energy_book import EnergyBook, Series
from gateway.web.energy_view import EnergyView
from gateway.web.live import Live
from gateway.web.pages import Pages
from gateway.web.words import Words
from tests.gateway.web.energy_made import NOW_S, OSLO, fill, site
from tests.gateway.web.test_pages import checked


async def ask(pages: Pages, path: str, query: str = "") -> tuple[int, dict[str, str], str]:
    """Ask for a page; return (status, headers, text)."""
    sent = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "http",
        "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await pages.app(scope, receive, send)  # type: ignore[arg-type]
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}  # type: ignore[attr-defined]
    body = b"".join(part.get("body", b"") for part in sent[1:])  # type: ignore[misc]
    return int(sent[0]["status"]), headers, body.decode()  # type: ignore[call-overload]


def shown(html: str) -> str:
    """What is read: without tags, spaces as one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def pages(state: Path) -> Pages:
    return made(state)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    fill(folder)
    return folder


def made(state: Path) -> Pages:
    view = EnergyView(site(), state, lambda: NOW_S, lambda *_: ())
    return Pages(site(), Live(site(), 600), clock=lambda: NOW_S, energy=view)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", ("Ett bygg bruker mer enn forventet", "Som forventet", "10. des. 2025", "kjent", "Dekning")),
        ("en", ("One building uses more than expected", "As expected", "10 Dec 2025", "known", "Coverage")),
    ],
)
async def test_overview(pages: Pages, language: str, words: tuple[str, ...]) -> None:
    status, _, html = await ask(pages, "/energy", f"lang={language}")
    assert status == 200
    text = shown(html)
    assert all(word in text for word in words)
    assert text.index("Rådhuset") < text.index("Idrettens hus")


async def test_a_building_with_its_drawings(pages: Pages) -> None:
    status, _, html = await ask(pages, "/energy/radhuset", "lang=nb")
    assert status == 200
    text = shown(html)
    assert "Mer enn forventet: +3" in text
    assert "Siste hele døgn, 19. des.:" in text
    assert html.count('class="chart') == 3
    assert html.count('class="dots') == 4
    assert "Time for time, des. 2025" in text
    assert "Måneden før" in text
    assert "Måneden etter" not in text
    assert "style=" not in html  # the policy allows no inline style


async def test_a_month_of_the_past(pages: Pages) -> None:
    text = shown((await ask(pages, "/energy/radhuset", "lang=en&month=202503"))[2])
    assert "Hour by hour, Mar 2025" in text
    assert "Month after" in text
    assert "Hour by hour, Dec 2025" in shown((await ask(pages, "/energy/radhuset", "lang=en&month=soon"))[2])


def dots(html: str) -> int:
    """How many days the curve shows."""
    return sum(path.count("M") for path in re.findall(r'class="dots (?:use|rest|beyond)" d="([^"]*)"', html))


async def test_the_curve_shows_the_sort_of_days_asked_for(pages: Pages) -> None:
    htmls = {
        sort: (await ask(pages, "/energy/radhuset", f"lang=nb&month=202511&days={sort}"))[2]
        for sort in ("all", "workdays", "weekends", "nonsense")
    }
    counts = {sort: dots(html) for sort, html in htmls.items()}
    assert counts["all"] == counts["nonsense"] == 365
    assert counts["workdays"] + counts["weekends"] == 365
    assert 100 < counts["weekends"] < 125  # 104 days of weekends, and holidays
    assert [htmls[sort].count('<polygon class="band"') for sort in ("all", "workdays", "weekends")] == [
        2,
        1,
        1,
    ]
    # Each is a link, and the way to another month keeps the choice.
    for sort in ("workdays", "weekends"):
        assert f"/energy/radhuset?days={sort}&amp;lang=nb&amp;month=202511" in htmls["all"]
        assert f"/energy/radhuset?days={sort}&amp;lang=nb&amp;month=202510" in htmls[sort]
    # Whoever changes the language sees the same days of the same month; other pages know nothing of them.
    assert 'href="/energy/radhuset?days=weekends&amp;lang=en&amp;month=202511"' in htmls["weekends"]
    assert 'href="/energy?lang=nb"' in htmls["weekends"]
    assert "Døgn i bruk" not in htmls["weekends"].partition("<figcaption>")[2].partition("</figcaption>")[0]
    marked = re.findall(r'<a href="[^"]*" aria-current="true">([^<]*)</a>', htmls["weekends"])
    assert "Helg og helligdag" in marked


async def test_a_building_in_use_on_all_days_has_no_idle_ones(pages: Pages) -> None:
    text = shown((await ask(pages, "/energy/idrettens-hus", "lang=nb&days=weekends"))[2])
    assert "Det er ingen slike døgn de siste 365." in text


async def test_co2_names_the_year_of_its_factor(pages: Pages) -> None:
    html = (await ask(pages, "/energy/radhuset", "lang=nb"))[2]
    text = shown(html)
    factor = "15 g/kWh, faktoren for 2023, den siste som er kjent. Kilde: NVE"
    assert f"CO₂ for strøm i 2024, 2025: {factor}" in text
    _, _, table = await ask(pages, "/energy/radhuset.csv")
    row = dict(
        zip(*(line.split(",") for line in (table.splitlines()[0], table.splitlines()[-2])), strict=True)
    )
    kg = float(row["kwh"]) * 15 / 1000
    assert float(row["co2_electricity_kg"]) == pytest.approx(kg, abs=0.06)
    assert f'<td class="number">{Words("nb", "Europe/Oslo").number(kg)}</td>' in html


async def test_a_carrier_without_a_factor_has_no_co2_and_says_why(tmp_path: Path) -> None:
    fill(tmp_path)
    heat = [Given(start_of(date(2025, m, 1), OSLO), start_of(date(2025, m + 1, 1), OSLO), 9_000_000)
            for m in range(1, 12)]  # fmt: skip
    with EnergyBook.write(tmp_path, 1) as book:
        book.take([(Series("radhuset", "district_heat", "main"), heat)], "h.csv", "00", "Heat", 1)
    both = {"counted_carriers": ("electricity", "district_heat")}
    place = replace(site(), buildings=tuple(b.model_copy(update=both) for b in site().buildings))
    view = EnergyView(place, tmp_path, lambda: NOW_S, lambda *_: ())
    pages = Pages(place, Live(place, 600), clock=lambda: NOW_S, energy=view)
    text = shown((await ask(pages, "/energy/radhuset", "lang=nb"))[2])
    assert "CO₂, fjernvarme –" in text
    assert text.count("Ingen CO₂ for fjernvarme: faktoren er ikke kjent.") == 1
    table = (await ask(pages, "/energy/radhuset.csv"))[2].splitlines()
    assert table[0].endswith("co2_electricity_kg,co2_district_heat_kg")
    assert table[-2].endswith(",")
    measures = shown((await ask(pages, "/measures", "lang=en"))[2])
    assert "What was saved of district heat is not in them" in measures


async def test_the_co2_of_a_measure_is_its_saving_times_the_factor(pages: Pages, state: Path) -> None:
    say = Words("en", "Europe/Oslo")
    saving = EnergyView(site(), state, lambda: NOW_S, lambda *_: ()).measures().results[0].saving
    assert saving is not None
    kg, band = say.number(saving.kwh * 0.015), say.number(saving.band_kwh * 0.015)
    text = shown((await ask(pages, "/measures", "lang=en"))[2])
    assert f"CO₂: {kg} kg ± {band} kg less, at 15 g/kWh of electricity (the factor of 2023)" in text


async def test_the_table_is_a_file(pages: Pages) -> None:
    status, headers, text = await ask(pages, "/energy/radhuset.csv")
    assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert headers["content-disposition"] == 'attachment; filename="narvik-demo-radhuset-energy.csv"'
    header, *rows = text.splitlines()
    assert header.startswith("building,month,kwh,kwh_per_m2,coverage_percent")
    assert [row.split(",")[1] for row in rows][-2:] == ["2025-11", "2025-12"]
    assert rows[0] == "radhuset,2023-12,,,0.0,0.0,,,,,"  # nothing is known of it, which is not 0 kWh


async def test_the_hours_of_a_month_are_a_file(pages: Pages) -> None:
    _, headers, text = await ask(pages, "/energy/radhuset/hours.csv", "month=202510")
    assert headers["content-disposition"] == 'attachment; filename="narvik-demo-radhuset-2025-10.csv"'
    header, *rows = text.splitlines()
    assert header == "building,hour,kwh,estimated,meter_events"
    assert len(rows) == 745
    assert len({row.split(",")[1] for row in rows}) == 745  # both hours of the 26th carry their offset
    assert rows[0].startswith("radhuset,2025-10-01T00:00:00+02:00,")
    assert all(row.endswith(("0,", "1,")) for row in rows)


@pytest.mark.parametrize("path", ["/energy/none-such", "/energy/none-such.csv"])
async def test_a_building_that_is_not_there(pages: Pages, path: str) -> None:
    assert (await ask(pages, path))[0] == 404


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", ("Sparer 1", "± 1", "1 av 12", "målt", "Vinterfest", "90 % sikkerhet")),
        ("en", ("Saves 1", "± 1", "1 of 12", "measured", "Vinterfest", "90 % confidence")),
    ],
)
async def test_measures(pages: Pages, language: str, words: tuple[str, ...]) -> None:
    status, _, html = await ask(pages, "/measures", f"lang={language}")
    assert status == 200
    assert all(word in shown(html) for word in words)


@pytest.mark.parametrize(
    "path", ["/energy", "/energy/radhuset", "/energy/radhuset.csv", "/energy-report", "/measures"]
)
@pytest.mark.parametrize("language", ["nb", "en"])
async def test_before_anything_is_known(tmp_path: Path, path: str, language: str) -> None:
    status, _, html = await ask(made(tmp_path), path, f"lang={language}")
    assert status == 200
    assert ("None" in html, "nan" in html.lower().replace("finance", "")) == (False, False)


async def test_the_pages_are_linked_from_every_page(pages: Pages) -> None:
    html = (await ask(pages, "/", "lang=nb"))[2]
    assert 'href="/energy?lang=nb"' in html
    assert 'href="/measures?lang=nb"' in html


async def test_the_monthly_report(pages: Pages) -> None:
    status, _, html = await ask(pages, "/energy-report", "lang=nb")
    assert status == 200
    text = shown(html)
    assert "Månedsrapport, nov. 2025" in text
    assert "Alle bygg" in text
    assert "Måneden er ikke over" not in text
    running = shown((await ask(pages, "/energy-report", "lang=en&month=203001"))[2])
    assert "Monthly report, Dec 2025" in running
    assert "The month is not over." in running
    assert "Month after" not in running


async def test_the_days_after_a_measure_lie_on_the_curve_from_before(pages: Pages) -> None:
    html = (await ask(pages, "/measures", "lang=nb"))[2]
    assert html.count('class="chart et"') == 1
    assert "Før tiltaket, ni av ti døgn" in shown(html)
    dots = re.search(r'class="dots use" d="([^"]*)"', html)
    assert dots is not None
    assert dots.group(1).count("M") > 100


@pytest.mark.parametrize(
    ("name", "language", "words"),
    [
        ("energy.db", "nb", "Legg tilbake sikkerhetskopien av energy.db"),
        ("meters.db", "en", "The gateway sets it aside and makes it anew"),
    ],
)
async def test_a_damaged_file_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, language: str, words: str
) -> None:
    (tmp_path / name).write_text("not a database, but long enough to be taken for one" * 50)
    pages = made(tmp_path)
    for path in ("/energy", "/energy/radhuset", "/energy/radhuset.csv", "/energy-report", "/measures"):
        status, _, html = await ask(pages, path, f"lang={language}")
        assert (status, words in shown(html), name in html) == (503, True, True), path
    assert capsys.readouterr().out.count("energy_unreadable") == 1
    # Once it is whole again, so is the page.
    (tmp_path / name).unlink()
    assert (await ask(pages, "/energy"))[0] == 200


async def test_a_book_that_is_damaged_within_is_told_in_words(tmp_path: Path) -> None:
    fill(tmp_path)
    path = tmp_path / "energy.db"
    with path.open("r+b") as file:
        for page in range(8, path.stat().st_size // 4096, 3):
            file.seek(4096 * page)
            file.write(b"\xff" * 4096)
    status, _, html = await ask(made(tmp_path), "/energy", "lang=en")
    assert (status, "Put the backup of energy.db back" in shown(html)) == (503, True)


async def test_a_file_that_nobody_may_read_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_state: Path) -> None:
        raise Unreadable.of(tmp_path / "energy.db", apsw.CantOpenError("unable to open"))

    monkeypatch.setattr("gateway.web.energy_view.EnergyBook.read", refuse)
    status, _, html = await ask(made(tmp_path), "/energy", "lang=nb")
    assert (status, "Se at gatewayens bruker kan lese den" in shown(html)) == (503, True)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "nb",
            (
                "Hendelser ved måleren",
                "15. des. kl. 13:00 : Måleren ble byttet",
                "Målerstand: fra 5 000 kWh til 4,21 kWh.",
                "Byttet står ikke i buildings.yaml.",
                "3. mars kl. 13:00 : Telleverket gikk rundt",
            ),
        ),
        (
            "en",
            (
                "Events at the meter",
                "15 Dec 13:00 : The meter was exchanged",
                "Meter reading: from 5,000 kWh to 4.21 kWh.",
                "buildings.yaml does not tell of it.",
                "3 Mar 13:00 : The register rolled over",
            ),
        ),
    ],
)
async def test_what_happened_to_the_meter_is_told_with_its_date(
    state: Path, language: str, told: tuple[str, ...]
) -> None:
    swap_s, rollover_s = (
        int(start_of(day, OSLO)) + 13 * 3600 for day in (date(2025, 12, 15), date(2025, 3, 3))
    )
    events = [
        RegisterEvent(31, 1, at_s, at_s, kind, None, None, ((2, 5_000_000, 4_210),), at_s * 1000)
        for at_s, kind in ((rollover_s, "rollover"), (swap_s, "swap"))
    ]
    view = EnergyView(site(), state, lambda: NOW_S, lambda *_: (), lambda: events)
    pages = Pages(site(), Live(site(), 600), clock=lambda: NOW_S, energy=view)
    html = (await ask(pages, "/energy/radhuset", f"lang={language}"))[2]
    text = shown(html)
    places = [text.index(part) for part in told]
    assert places == sorted(places)
    assert '<time datetime="2025-12-15T13:00:00+01:00">' in html
    assert '<li class="is-warning" id="note-31-' in html
    # The month's heat map has a mark with a number, and what it means stands below it as a list.
    checked(html)
    assert html.count('class="ring-name') == 1
    assert '<circle class="ring asks" cx="46.77%" cy="56.25%"' in html
    (listed,) = re.findall(r'<ol class="marked".*?</ol>', html)
    assert listed.count("<li>") == 1
    assert told[1].replace(" : ", ": ") in shown(listed)
    assert re.search(r'href="(#[^"]+)"', listed)[1][1:] in checked(html).ids  # type: ignore[index]
    # In the table under it every month has its own.
    rows = {label: shown(row) for label, row in re.findall(r'<tr><th scope="row">([^<]+)(.*?)</th>', html)}
    of_month = {label: text for label, text in rows.items() if text}
    assert len(of_month) == 2
    assert sum(told[1].split(" : ")[1] in text for text in of_month.values()) == 1
    # The page of the node that reads the meter has it on its charts, as drawings and as numbers.
    node = (await ask(pages, "/node/31", f"lang={language}&range=7d"))[2]
    assert told[1].replace(" : ", ": ") in shown(node)
    numbers = json.loads((await ask(pages, "/node/31/series.json", f"lang={language}&range=30d"))[2])
    assert numbers["notes"] == [[swap_s, told[1].split(" : ")[1]]]
    assert json.loads((await ask(pages, "/node/32/series.json", "range=30d"))[2])["notes"] == []
    earlier = (await ask(pages, "/energy/radhuset", f"lang={language}&month=202511"))[2]
    assert "ring-name" not in earlier
    hours = (await ask(pages, "/energy/radhuset/hours.csv", "month=202512"))[2].splitlines()
    assert [line for line in hours if line.endswith(",swap")] == [
        line for line in hours if ",2025-12-15T13:00:00+01:00," in line
    ]
    other = shown((await ask(pages, "/energy/idrettens-hus", f"lang={language}"))[2])
    assert told[0] not in other
