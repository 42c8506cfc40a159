"""A card is written again only when its node has changed, and its age is never an old one."""

from gateway.web.shelf import Shelf, aged
from gateway.web.words import Language, Words


def test_written_once_for_each_version_and_language() -> None:
    asked: list[tuple[int, Language]] = []

    def write(node: int, language: Language) -> tuple[str, tuple[int, str]]:
        asked.append((node, language))
        return f"card {len(asked)}", (0, "name")

    shelf = Shelf(write)
    assert shelf.card(11, "nb", 1).html == "card 1"
    assert shelf.card(11, "nb", 1).html == "card 1"
    assert shelf.card(11, "en", 1).html == "card 2"
    assert shelf.card(11, "nb", 2).html == "card 3"
    assert asked == [(11, "nb"), (11, "en"), (11, "nb")]


def test_ages_are_told_anew() -> None:
    html = '<p><time data-at="100" datetime="x">for 3 s siden</time></p><time>other</time>'
    said = aged(html, Words("nb", "Europe/Oslo"), 160.0)
    assert said == '<p><time data-at="100" datetime="x">for 1\u00a0min siden</time></p><time>other</time>'
