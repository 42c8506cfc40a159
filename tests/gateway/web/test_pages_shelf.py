"""The pages of places whose nodes lie on the shelf: calm, since when, and nothing that looks like now."""

import re

import pytest

from gateway.web.concerns import Passed
from tests.gateway.web.made import NOW_S, Shelf, intake, snow
from tests.gateway.web.test_pages import DAY, TEXTS, checked, get, made


@pytest.mark.parametrize("language", ["nb", "en"])
async def test_a_place_whose_node_is_on_the_shelf_is_calm_and_shows_nothing_of_now(language: str) -> None:
    pages = made([snow(500, NOW_S - 90_000), DAY[-1]], judge=lambda *_: ())
    on_shelf = {21: NOW_S - 80_000, 12: NOW_S - 70_000, 22: NOW_S, 31: NOW_S, 32: NOW_S}
    pages.live.shelve(on_shelf, NOW_S)
    pages.look()
    text = (await get(pages, f"/?lang={language}")).text
    checked(text)
    fine, counted, word = {
        "nb": ("Alt er normalt", "1 av 6 steder måler nå, 5 er på hylla", "På hylla"),
        "en": ("All is normal", "1 of 6 places report now, 5 on the shelf", "On the shelf"),
    }[language]
    assert fine in text
    assert counted in text
    (card,) = re.findall(r'<article [^>]*id="node-21".*?</article>', text, re.DOTALL)
    assert 'class="card snow is-shelf shelved"' in card
    assert f"{word}</p>" in card
    for gone in ("data-stale-at", '<p class="main">', '<svg class="drawing', "spark", "<footer"):
        assert gone not in card
    day = "17. nov. 2026 kl. 13:53" if language == "nb" else "17 Nov 2026 13:53"
    assert day in card
    own = (await get(pages, f"/node/21?lang={language}")).text
    checked(own)
    assert 'class="title is-shelf"' in own
    assert day in own
    assert ("Siste verdier før hylla" if language == "nb" else "Last values before the shelf") in own
    assert "Values now" not in own
    assert "Verdier nå" not in own


async def test_one_on_the_shelf_at_which_an_alert_stands_says_both() -> None:
    alert = Passed(11, "warning", NOW_S - 60, 40, TEXTS)
    pages = made(DAY, judge=lambda *_: [alert])
    pages.live.shelve({11: NOW_S + 1}, NOW_S)
    pages.look()
    (card,) = re.findall(r'<article [^>]*id="node-11".*?</article>', (await get(pages, "/")).text, re.DOTALL)
    assert 'class="card intake is-warning shelved"' in card
    assert "Rista tettes" in card
    assert "På hylla siden" in card
    own = (await get(pages, "/node/11")).text
    assert "Rista tettes" in own
    assert "På hylla siden 18. nov. 2026 kl. 12:06. Noden ligger der med vilje." in own


async def test_a_card_is_written_again_when_its_node_goes_to_the_shelf() -> None:
    pages = made(DAY, judge=lambda *_: ())
    before = pages.card(11, "nb")
    pages.live.shelve({11: NOW_S + 1}, NOW_S)
    on_shelf = pages.card(11, "nb")
    assert "is-shelf" in on_shelf.html
    assert "is-shelf" not in before.html
    pages.live.follow(Shelf([intake(777, 480, NOW_S + 60, commit=900)]), NOW_S + 60)
    assert "is-shelf" not in pages.card(11, "nb").html
