"""Answering a deviation from the building's page: by whom, how, and what becomes of it."""

import json
from pathlib import Path

import pytest

from gateway import audit
from gateway.store.energy_book import Answer, EnergyBook
from gateway.web.desk import Desk
from gateway.web.door import Door
from gateway.web.energy_answer import NOTE_MAX
from gateway.web.energy_view import EnergyView
from gateway.web.guard import Guard
from gateway.web.live import Live
from gateway.web.pages import Pages
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tests.gateway.web.asking import Browser
from tests.gateway.web.energy_made import NOW_S, fill, site

PASSWORD = "en lang setning"
HALL = {"building": "radhuset"}


class Made:
    """The energy pages behind a door, in a state directory that is filled."""

    def __init__(self, home: Path) -> None:
        fill(home)
        found = hashed(PASSWORD)
        write_users(home / FILE_NAME, {"Drift": User("operator", found), "Leser": User("viewer", found)})
        door = Door(home, "open", lambda: NOW_S)
        desk = Desk(site(), home, door, None, clock=lambda: NOW_S)
        view = EnergyView(site(), home, lambda: NOW_S, lambda *_: ())
        pages = Pages(site(), Live(site(), 600), clock=lambda: NOW_S, energy=view, desk=desk)
        self.app = Guard(door.guard(pages.app), frozenset({"localhost"}))

    async def browser(self, name: str = "") -> Browser:
        found = Browser(self.app)
        if name:
            answer = await found.post("/login", {"name": name, "password": PASSWORD})
            assert answer.status == 303
        return found


def answers(home: Path) -> dict[str, Answer]:
    book = EnergyBook.read(home)
    assert book is not None
    with book:
        return book.answers()


def csrf(text: str) -> str:
    return text.partition('name="csrf" value="')[2].partition('"')[0]


async def test_an_operator_answers_and_it_stands_on_the_page(tmp_path: Path) -> None:
    browser = await Made(tmp_path).browser("Drift")
    token = csrf((await browser.get("/energy/radhuset")).text)
    form = {**HALL, "csrf": token, "status": "fixed", "note": "Varmekabelen er slått av <nå>"}
    answer = await browser.post("/energy?lang=nb", form)
    assert (answer.status, answer.headers["location"]) == (303, "/energy/radhuset?lang=nb&said=fixed")
    text = (await browser.get(answer.headers["location"])).text
    assert "Svaret er ført opp." in text
    assert "rettet (Varmekabelen er slått av &lt;nå&gt;)" in text
    said = answers(tmp_path)["radhuset"]
    assert said == Answer("radhuset", "fixed", "Varmekabelen er slått av <nå>", "Drift", round(NOW_S * 1000))
    (entry,) = [e for e in map(json.loads, lines(tmp_path)) if e["did"] == "energy answer"]
    assert (entry["who"], entry["building"], entry["status"]) == ("Drift", "radhuset", "fixed")


def lines(home: Path) -> list[str]:
    return (home / audit.FILE_NAME).read_text().splitlines()


async def test_who_is_not_logged_in_is_asked_to_and_changes_nothing(tmp_path: Path) -> None:
    browser = await Made(tmp_path).browser()
    text = (await browser.get("/energy/radhuset?lang=nb")).text
    assert '<form method="post"' not in text
    assert "Logg inn for å svare" in text
    answer = await browser.post("/energy", {**HALL, "status": "fixed"})
    assert (answer.status, answer.headers["location"]) == (303, "/login?to=/energy/radhuset")
    assert answers(tmp_path)["radhuset"].status == "known"


async def test_a_reader_a_forged_form_and_nonsense_change_nothing(tmp_path: Path) -> None:
    made = Made(tmp_path)
    reader, operator = await made.browser("Leser"), await made.browser("Drift")
    assert 'action="/energy' not in (await reader.get("/energy/radhuset")).text
    token = csrf((await reader.get("/energy/radhuset")).text)
    assert (await reader.post("/energy", {**HALL, "csrf": token, "status": "fixed"})).status == 403
    assert (await operator.post("/energy", {**HALL, "csrf": token, "status": "fixed"})).status == 403
    assert (await operator.post("/energy", {**HALL, "status": "fixed"})).status == 403
    token = csrf((await operator.get("/energy/radhuset")).text)
    assert (await operator.post("/energy", {**HALL, "csrf": token, "status": "gone"})).status == 400
    assert (
        await operator.post("/energy", {"building": "none-such", "csrf": token, "status": "fixed"})
    ).status == 404
    assert answers(tmp_path)["radhuset"].status == "known"


async def test_a_long_note_is_cut_and_a_busy_book_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.energy_answer.PATIENCE_S", 0.3)
    browser = await Made(tmp_path).browser("Drift")
    token = csrf((await browser.get("/energy/radhuset")).text)
    form = {**HALL, "csrf": token, "status": "seen", "note": "x" * 900}
    with EnergyBook.write(tmp_path, 1):
        answer = await browser.post("/energy", form)
    assert (answer.status, "another command writes it" in answer.text) == (503, True)
    assert answers(tmp_path)["radhuset"].status == "known"
    assert (await browser.post("/energy", form)).status == 303
    assert len(answers(tmp_path)["radhuset"].note) == NOTE_MAX
