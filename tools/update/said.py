"""What a node says of an update, in the technician's language. A node itself knows English only."""

import re
from functools import cache

from tools.node.words import Words, texts

_PREFIX = "said."
_BLANK = re.compile(r"\\{(\w+)\\}")


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """What a node may say, by key: the English text with its blanks."""
    known = [(key, text["en"]) for key, text in texts().items() if key.startswith(_PREFIX)]
    return [(key, re.compile(_BLANK.sub(r"(?P<\1>.+)", re.escape(text)))) for key, text in known]


def in_words(said: str, words: Words) -> str:
    """Return a node's words in the language of `words`; those nobody knows as they are."""
    for key, pattern in _patterns():
        if found := pattern.fullmatch(said):
            return words(key, **found.groupdict())
    return said
