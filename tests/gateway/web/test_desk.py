"""The alerts page, and acting on it."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.alerts.journal import NAME, Journal
from gateway.alerts.paging import Member, Message
from gateway.alerts.rota import Shift
from gateway.control import ControlError
from tests.gateway.web.desk_made import RULE, Made, alarm, csrf
from tests.gateway.web.made import NOW_S
from tests.gateway.web.test_pages import checked


class Asked:
    """Takes what is asked of the gateway, and says no where told to."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refuses = ""

    def __call__(self, path: Path, message: dict[str, Any]) -> dict[str, Any]:
        assert path.name == "gateway.sock"
        if self.refuses:
            raise ControlError(self.refuses)
        self.messages.append(message)
        return {}


@pytest.mark.parametrize("language", ["nb", "en"])
async def test_it_says_what_to_do_by_when_and_who_has_it(tmp_path: Path, language: str) -> None:
    made = Made(tmp_path)
    browser = await made.browser("Vakt")
    text = (await browser.get(f"/alerts?lang={language}")).text
    checked(text)
    assert "Rista tettes" in text
    assert ("Frist" if language == "nb" else "Due") in text
    assert ("Ingen har tatt den" if language == "nb" else "Nobody has it") in text
    made.standing = [alarm(acknowledged_by="Vakt veg", acknowledged_at_s=NOW_S - 60)]
    text = (await browser.get(f"/alerts?lang={language}")).text
    assert "Vakt veg" in text
    assert "taken" in text
    made.standing = []
    text = (await browser.get(f"/alerts?lang={language}")).text
    assert ("Ingen aktive varsler" if language == "nb" else "No active alerts") in text


async def test_a_missed_deadline_a_shelf_and_a_blind_sensor_are_told(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.standing = [
        alarm(since_s=NOW_S - 7200),
        alarm(node=12, shelved_until_s=NOW_S + 3600, monitored=False),
    ]
    text = (await (await made.browser()).get("/alerts")).text
    assert "Fristen gikk ut" in text
    assert "Lagt til side til" in text
    assert "sluttet å svare" in text


async def test_acting(tmp_path: Path) -> None:
    asked = Asked()
    made = Made(tmp_path, ask=asked)
    browser = await made.browser("Vakt")
    token = csrf((await browser.get("/alerts")).text)
    form = {"csrf": token, "id": f"{RULE}/11"}
    answer = await browser.post("/alerts?lang=en", {**form, "do": "ack"})
    assert (answer.status, answer.headers["location"]) == (303, "/alerts?done=ack&lang=en")
    assert "The alert is yours" in (await browser.get(answer.headers["location"])).text
    await browser.post("/alerts", {**form, "do": "shelve", "minutes": "60", "note": "rigger av"})
    await browser.post(
        "/alerts",
        {**form, "do": "close", "outcome": "real", "on_site_min": "25", "note": "", "occurrence": "3"},
    )
    who = {"id": f"{RULE}/11", "by": "Vakt"}
    assert asked.messages == [
        {"do": "alerts_ack", **who},
        {"do": "alerts_shelve", **who, "minutes": 60, "note": "rigger av"},
        {"do": "alerts_close", **who, "outcome": "real", "on_site_min": 25, "note": "", "occurrence": 3},
    ]
    deeds = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [deed["did"] for deed in deeds] == ["logged in", "ack", "shelve", "close"]
    assert deeds[2]["note"] == "rigger av"


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "drill"},
        {"do": ""},
        {"do": "shelve", "minutes": "60"},
        {"do": "shelve", "minutes": "x", "note": "x"},
    ],
)
async def test_what_makes_no_sense_is_not_done(tmp_path: Path, fields: dict[str, str]) -> None:
    asked = Asked()
    made = Made(tmp_path, ask=asked)
    browser = await made.browser("Vakt")
    token = csrf((await browser.get("/alerts")).text)
    answer = await browser.post("/alerts", {"csrf": token, "id": f"{RULE}/11", **fields})
    assert answer.status == 409
    assert "Gikk ikke" in answer.text
    assert asked.messages == []


async def test_a_no_of_the_gateway_is_shown(tmp_path: Path) -> None:
    asked = Asked()
    asked.refuses = "Vakt veg has acknowledged it already"
    made = Made(tmp_path, ask=asked)
    browser = await made.browser("Vakt")
    token = csrf((await browser.get("/alerts")).text)
    answer = await browser.post("/alerts", {"csrf": token, "id": f"{RULE}/11", "do": "ack"})
    assert (answer.status, "acknowledged it already" in answer.text) == (409, True)


async def test_who_may_not_act_does_not(tmp_path: Path) -> None:
    asked = Asked()
    made = Made(tmp_path, ask=asked)
    form = {"id": f"{RULE}/11", "do": "ack"}
    stranger = await made.browser()
    assert (await stranger.post("/alerts", form)).headers["location"] == "/login?to=/alerts"
    operator = await made.browser("Vakt")
    assert (await operator.post("/alerts", {**form, "csrf": "guess"})).status == 403
    viewer = await made.browser("Leser")
    page = (await viewer.get("/alerts")).text
    assert "Jeg tar den" not in page
    assert (await viewer.post("/alerts", {**form, "csrf": csrf(page)})).status == 403
    assert asked.messages == []


async def test_history_is_for_readers_but_deliveries_and_duty_are_behind_login(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / NAME, NOW_S * 1000)
    member = Member(RULE, 11, 3, 660.0, NOW_S, NOW_S)
    journal.put(Message("k", "vakt-veg", "alarm", "raised", NOW_S, NOW_S, (member,)))
    journal.failed(1, NOW_S * 1000, "sms", "no network")
    journal.delivered(1, NOW_S * 1000 + 9000, "mail", "250 OK")
    journal.db.execute(
        "INSERT INTO events (at_s, rule, node, occurrence, kind, priority, notify, evidence, by, note) "
        "VALUES (?, ?, 11, 3, 'cleared', 'alarm', 1, '', '', 'tørt')",
        (NOW_S, RULE),
    )
    journal.close()
    recipient = Made(tmp_path).pages.site.recipients[0].id
    shifts = (
        Shift(NOW_S - 100, NOW_S + 3600, recipient, "Person A", "+47 99 99 99 99"),
        Shift(NOW_S + 3600, NOW_S + 7200, recipient, "Person B"),
    )
    made = Made(tmp_path, shifts=shifts)
    stranger = (await (await made.browser()).get("/alerts")).text
    assert "tørt" in stranger
    for secret in ("Person A", "99 99", "no network", "framme"):
        assert secret not in stranger
    text = (await (await made.browser("Vakt")).get("/alerts")).text
    checked(text.replace('href="tel:', 'href="/'))
    for told in (
        "Person A",
        'href="tel:+4799999999"',
        "Så Person B",
        "no network",
        "framme",
        "Hvordan gikk",
    ):
        assert told in text


async def test_a_database_that_cannot_be_read_hides_no_alert(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"not a database at all, but long enough to be looked at" * 30)
    text = (await (await Made(tmp_path).browser("Vakt")).get("/alerts")).text
    assert "Rista tettes" in text
