"""Cards as they were last written, so that an open page costs nothing while nothing has changed."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.web.words import Language, Words

_AGE = re.compile(r'(<time data-at="(\d+)"[^>]*>)[^<]*')


@dataclass(frozen=True, slots=True)
class Written:
    """A card's HTML, what it sorts by, and of which state of its node it is."""

    html: str
    need: tuple[int, str]
    version: object


class Shelf:
    """`write` writes the card of a node; it is asked again when the node's version is another one."""

    def __init__(self, write: Callable[[int, Language], tuple[str, tuple[int, str]]]) -> None:
        self._write = write
        self._cards: dict[tuple[int, Language], Written] = {}

    def card(self, node: int, language: Language, version: object) -> Written:
        found = self._cards.get((node, language))
        if found is None or found.version != version:
            html, need = self._write(node, language)
            found = self._cards[node, language] = Written(html, need, version)
        return found


def aged(html: str, say: Words, now_s: float) -> str:
    """Return `html` with its ages as they are now."""
    return _AGE.sub(lambda found: found[1] + say.ago(now_s - int(found[2])), html)
