"""Who comes in, and how."""

import json
from pathlib import Path

import pytest

from gateway.web.door import FORM_MAX, _inside
from gateway.web.sessions import TRIES
from gateway.web.users import FILE_NAME, User, hashed, read_users, write_users
from tests.gateway.web.desk_made import PASSWORD, Made, csrf


async def test_logging_in_and_out(tmp_path: Path) -> None:
    made = Made(tmp_path)
    browser = await made.browser()
    assert "Logg inn for å ta varselet" in (await browser.get("/alerts")).text
    answer = await browser.post("/login?lang=nb", {"name": "Vakt", "password": PASSWORD, "to": "/nodes"})
    assert (answer.status, answer.headers["location"]) == (303, "/nodes?lang=nb")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = await browser.get("/alerts")
    assert "Logg ut" in page.text
    assert page.headers["cache-control"] == "no-store"
    # Logging out takes the page's token too.
    await browser.post("/logout", {})
    assert "Logg ut" in (await browser.get("/alerts")).text
    await browser.post("/logout", {"csrf": csrf(page.text)})
    assert browser.cookies == {}
    assert "Logg ut" not in (await browser.get("/alerts")).text
    deeds = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(deed["who"], deed["did"]) for deed in deeds] == [("Vakt", "logged in"), ("Vakt", "logged out")]


async def test_a_wrong_password_and_an_unknown_name_look_the_same_and_soon_wait(tmp_path: Path) -> None:
    made = Made(tmp_path)
    browser = await made.browser()
    wrong = await browser.post("/login", {"name": "Vakt", "password": "wrong wrong wrong"})
    unknown = await browser.post("/login", {"name": "Ukjent", "password": "wrong wrong wrong"})
    assert wrong.status == unknown.status == 401
    assert "stemmer ikke" in wrong.text
    assert wrong.text == unknown.text
    for _ in range(TRIES - 2):
        await browser.post("/login", {"name": "Vakt", "password": "wrong"})
    answer = await browser.post("/login", {"name": "Vakt", "password": PASSWORD})
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    made.now_s += 1000
    assert (await browser.post("/login", {"name": "Vakt", "password": PASSWORD})).status == 303


async def test_without_users_or_with_damaged_ones_it_says_what_to_do(tmp_path: Path) -> None:
    made = Made(tmp_path)
    (tmp_path / FILE_NAME).write_text("{")
    browser = await made.browser()
    assert (await browser.post("/login", {"name": "Vakt", "password": PASSWORD})).status == 503
    (tmp_path / FILE_NAME).unlink()
    answer = await browser.post("/login", {"name": "Vakt", "password": PASSWORD})
    assert "sensornett gateway user add" in answer.text


async def test_who_is_removed_or_changed_is_out_at_once(tmp_path: Path) -> None:
    made = Made(tmp_path)
    officer, reader = await made.browser("Vakt"), await made.browser("Leser")
    path = tmp_path / FILE_NAME
    users = dict(read_users(path))
    write_users(path, {**users, "Vakt": User("viewer", users["Vakt"].password)})
    assert "Logg ut" not in (await officer.get("/alerts")).text
    assert "Logg ut" in (await reader.get("/alerts")).text
    write_users(path, {**users, "Leser": User("viewer", hashed(PASSWORD))})
    assert "Logg ut" not in (await reader.get("/alerts")).text


async def test_a_large_form_is_not_read_to_its_end(tmp_path: Path) -> None:
    browser = await Made(tmp_path).browser()
    answer = await browser.post("/login", {"name": "Vakt", "password": PASSWORD + "x" * FORM_MAX})
    assert answer.status == 401


async def test_closed_pages_are_for_those_who_log_in(tmp_path: Path) -> None:
    made = Made(tmp_path, reading="closed")
    browser = await made.browser()
    for path in ("/", "/node/11", "/data/latest.csv", "/sta/v1.1/Things", "/alerts", "/metrics"):
        answer = await browser.get(path)
        assert answer.status == 303
        assert answer.headers["location"].startswith("/login?to=")
    for path in ("/login", "/healthz", "/static/page.css"):
        assert (await browser.get(path)).status == 200
    assert (await (await made.browser("Leser")).get("/")).status == 200


async def test_public_pages_tell_nothing_of_nodes_people_and_power(tmp_path: Path) -> None:
    made = Made(tmp_path, reading="public")
    browser = await made.browser()
    texts = [(await browser.get(path)).text for path in ("/", "/node/11", "/data", "/data/node/11.csv")]
    assert "Taraldsvikelva" in texts[0]
    for text in texts:
        for told in ("Batteri", "Wi-Fi", "Rådhuset (demo)", "Vakt", "battery", "import_power"):
            assert told not in text, told
    for path in ("/node/31", "/node/11.csv", "/data/node/31.csv"):
        assert (await browser.get(path)).status == 404
    for path in ("/nodes", "/alerts", "/metrics"):
        assert (await browser.get(path)).status == 303
    assert "Batteri" in (await (await made.browser("Leser")).get("/")).text


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/nodes", "/nodes"),
        ("/node/11?range=7d", "/node/11?range=7d"),
        ("//evil.example", ""),
        ("/\\evil", ""),
        ("https://evil.example", ""),
        ("", ""),
        ("/%2f%2fevil", "///evil"),
        ("/a\nb", ""),
    ],
)
def test_nobody_is_sent_elsewhere(path: str, kept: str) -> None:
    found = _inside(path)
    assert found == kept or not found.startswith("//")
    assert not found.startswith(("//", "http", "/\\"))
