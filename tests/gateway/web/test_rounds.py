"""The round to the grates: in which order, who may note what, and what the gateway is told."""

from pathlib import Path

import pytest

from gateway.alerts.journal import NAME, Journal
from gateway.alerts.log import Round
from gateway.alerts.records import Inspection, inspect
from gateway.web.cards import card
from gateway.web.rounds import stop
from gateway.web.words import Words
from tests.gateway.web.desk_made import Made, csrf
from tests.gateway.web.made import NOW_S, intake, node
from tests.gateway.web.test_desk import Asked
from tests.gateway.web.test_pages import checked

DAY_S = 86_400


def noted(home: Path, *inspections: Inspection) -> None:
    journal = Journal.open(home / NAME, NOW_S * 1000)
    try:
        for each in inspections:
            inspect(journal.db, each)
    finally:
        journal.close()


def test_the_last_look_and_the_last_cleaning_are_two_things() -> None:
    found = card(node(intake(500, 400)), Words("nb", "Europe/Oslo"), NOW_S)
    rounds = [
        Round(11, NOW_S - 3 * DAY_S, "Kari", 50, cleaned=True, note=""),
        Round(11, NOW_S - DAY_S, "Ola", 10, cleaned=False, note=""),
    ]
    made = stop(found, rounds)
    assert (made.seen, made.cleaned) == (rounds[1], rounds[0])
    assert stop(found, []).need < made.need  # nobody has ever looked at it


@pytest.mark.parametrize("language", ["nb", "en"])
async def test_the_urgent_one_comes_first_and_names_are_for_those_who_logged_in(
    tmp_path: Path, language: str
) -> None:
    noted(tmp_path, Inspection(11, NOW_S - DAY_S, "Kari", 50, True, "", "mye løv"))
    made = Made(tmp_path)
    stranger = (await (await made.browser()).get(f"/rounds?lang={language}")).text
    checked(stranger)
    assert stranger.index("stop-11") < stranger.index("stop-12")  # its alarm stands
    assert "Kari" not in stranger
    assert "blocked_percent" not in stranger
    page = (await (await made.browser("Tekniker")).get(f"/rounds?lang={language}")).text
    checked(page)
    assert "Kari: mye løv" in page
    assert page.count('name="cleaned"') == 2
    assert "blocked_percent" not in (await (await made.browser("Leser")).get("/rounds")).text
    assert "/rounds" in (await (await made.browser()).get("/alerts")).text


async def test_an_intake_whose_node_is_on_the_shelf_shows_no_level(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.standing.clear()
    before = (await (await made.browser()).get("/rounds?lang=en")).text
    made.pages.live.shelve({11: NOW_S + 1}, NOW_S)
    made.pages.look()
    after = (await (await made.browser()).get("/rounds?lang=en")).text
    checked(after)
    assert "<strong>52 cm</strong>" in before
    assert "<strong>52 cm</strong>" not in after
    assert "On the shelf, on the shelf since 18 Nov 2026 12:06" in after


async def test_a_visit_is_told_to_the_gateway_under_its_persons_name(tmp_path: Path) -> None:
    asked = Asked()
    made = Made(tmp_path, ask=asked)
    browser = await made.browser("Tekniker")
    token = csrf((await browser.get("/rounds")).text)
    form = {"csrf": token, "node": "11", "blocked_percent": "75", "cleaned": "yes", "note": "kvist"}
    answer = await browser.post("/rounds?lang=en", form)
    assert (answer.status, answer.headers["location"]) == (303, "/rounds?done=11&lang=en")
    assert asked.messages == [
        {
            "do": "alerts_inspect", "node": 11, "by": "Tekniker", "blocked_percent": 75, "cleaned": True,
            "note": "kvist",
        }
    ]  # fmt: skip
    assert "Taraldsvikelva (demo): the visit is saved." in (await browser.get("/rounds?done=11&lang=en")).text
    assert '"did": "round"' in (tmp_path / "audit.jsonl").read_text()


@pytest.mark.parametrize(
    "fields",
    [{"node": "11"}, {"node": "x", "blocked_percent": "0"}, {"node": "11", "blocked_percent": "12"}, {}],
)
async def test_half_a_form_is_not_sent_on(tmp_path: Path, fields: dict[str, str]) -> None:
    asked = Asked()
    browser = await Made(tmp_path, ask=asked).browser("Vakt")
    token = csrf((await browser.get("/rounds")).text)
    assert (await browser.post("/rounds", {"csrf": token, **fields})).status == 409
    assert asked.messages == []


async def test_who_may_not_act_notes_nothing(tmp_path: Path) -> None:
    asked = Asked()
    made = Made(tmp_path, ask=asked)
    form = {"node": "11", "blocked_percent": "0"}
    assert (await (await made.browser()).post("/rounds", form)).headers["location"] == "/login?to=/rounds"
    operator = await made.browser("Vakt")
    assert (await operator.post("/rounds", {**form, "csrf": "guess"})).status == 403
    viewer = await made.browser("Leser")
    token = csrf((await viewer.get("/alerts")).text)
    assert (await viewer.post("/rounds", {**form, "csrf": token})).status == 403
    assert asked.messages == []
