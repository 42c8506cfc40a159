"""Numbers, times and texts as people write them."""

import string

import pytest

from gateway.web.places import KINDS
from gateway.web.words import LANGUAGES, Language, Words, preferred, split_span, texts
from wire.quantities import QUALITY_NAMES

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")
NOON = 1_795_000_000  # 2026-11-18 12:06:40 in Oslo


def test_every_text_is_there_in_both_languages_with_the_same_blanks() -> None:
    for key, text in texts().items():
        assert set(text) == set(LANGUAGES), key
        blanks = [{name for _, name, _, _ in string.Formatter().parse(text[la]) if name} for la in LANGUAGES]
        assert blanks[0] == blanks[1], key
        assert all(text[la].strip() for la in LANGUAGES), key


def test_every_quality_and_kind_has_a_word() -> None:
    for code in range(len(QUALITY_NAMES)):
        assert f"quality.{code}" in texts()
    for kind in KINDS:
        assert f"kind.{kind}" in texts()


@pytest.mark.parametrize(
    ("value", "decimals", "nb", "en"),
    [
        (1234.5, 1, "1\u00a0234,5", "1,234.5"),
        (-0.04, 1, "0,0", "0.0"),
        (-6.5, 1, "−6,5", "−6.5"),
        (1_000_000, 0, "1\u00a0000\u00a0000", "1,000,000"),
    ],
)
def test_numbers(value: float, decimals: int, nb: str, en: str) -> None:
    assert (NB.number(value, decimals), EN.number(value, decimals)) == (nb, en)


def test_a_sign_where_it_tells_something() -> None:
    assert [NB.signed(n) for n in (3, 0, -3)] == ["+3", "0", "−3"]


@pytest.mark.parametrize(
    ("seconds", "split"),
    [(0, (0, "s")), (59.9, (59, "s")), (60, (1, "min")), (3599, (59, "min")), (7200, (2, "h")),
     (172_799, (47, "h")), (172_800, (2, "d"))],
)  # fmt: skip
def test_spans_in_their_largest_unit(seconds: float, split: tuple[int, str]) -> None:
    assert split_span(seconds) == split


def test_ages() -> None:
    assert NB.ago(12) == "for 12\u00a0s siden"
    assert EN.ago(7300) == "2\u00a0h ago"
    assert NB.ago(-3) == "for 0\u00a0s siden"


def test_moments_are_local_and_name_the_day_when_it_is_another() -> None:
    assert NB.moment(NOON, NOON) == "kl. 12:06"
    assert NB.moment(NOON - 86_400, NOON) == "17. nov. kl. 12:06"
    assert EN.moment(NOON - 400 * 86_400, NOON) == "14 Oct 2025 13:06"
    assert NB.iso(NOON) == "2026-11-18T12:06:40+01:00"


def test_plurals_and_names() -> None:
    assert NB.plural("state", 1) == "Ett sted trenger oppmerksomhet"
    assert NB.plural("state", 1200) == "1\u00a0200 steder trenger oppmerksomhet"
    assert NB.value("up_level_mm") == "Foran rista"
    assert NB.value("soil_moisture_permille") == "soil moisture permille"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "nb"),
        ("en-GB,en;q=0.9", "en"),
        ("nn-NO,en;q=0.9", "nb"),
        ("de,en;q=0.5,nb;q=0.4", "en"),
        ("de", "nb"),
        ("sv", "nb"),
        ("en;q=0", "nb"),
        ("en;q=x", "nb"),
        (";;;,,,q=", "nb"),
    ],
)
def test_the_language_a_browser_asks_for(accept: str, language: Language) -> None:
    assert preferred(accept) == language


def test_only_a_language_the_site_offers() -> None:
    assert preferred("nb", ("en",)) == "en"
