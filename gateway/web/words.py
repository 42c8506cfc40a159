"""What the page says in one language: texts, numbers and times. The texts are in texts.yaml."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Literal, cast
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

Language = Literal["nb", "en"]
LANGUAGES: tuple[Language, ...] = ("nb", "en")

_NO_BREAK = "\u00a0"
_MINUS = "\u2212"
_MONTHS: dict[Language, str] = {
    "nb": "jan. feb. mars april mai juni juli aug. sep. okt. nov. des.",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}


@cache
def texts() -> Mapping[str, Mapping[Language, str]]:
    """Return every text by its key and language."""
    source = files(__package__).joinpath("texts.yaml").read_text(encoding="utf-8")
    return cast(Mapping[str, Mapping[Language, str]], YAML(typ="safe").load(source))


class Words:
    """Says things in `language`, with times of the zone `timezone`."""

    def __init__(self, language: Language, timezone: str) -> None:
        self.language: Language = language
        self._zone = ZoneInfo(timezone)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text `key` with `values` filled in; numbers among them are written as people do."""
        shown = {name: self.number(v) if isinstance(v, int) else v for name, v in values.items()}
        return texts()[key][self.language].format(**shown)

    def value(self, key: str) -> str:
        """Return the name of a value; a new key is its own name until it has one."""
        named = texts().get(f"value.{key}")
        return named[self.language] if named else key.replace("_", " ")

    def plural(self, key: str, count: int) -> str:
        """Return the text `key.one` or `key.many` with `n` filled in."""
        return self(f"{key}.one" if count == 1 else f"{key}.many", n=count)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write `value`: 1 234,5 in Norwegian, 1,234.5 in English; a true minus sign, no negative zero."""
        value = round(value, decimals)
        text = f"{abs(value):,.{decimals}f}"
        if self.language == "nb":
            text = text.replace(",", _NO_BREAK).replace(".", ",")
        return (_MINUS if value < 0 else "") + text

    def signed(self, value: float, decimals: int = 0) -> str:
        """Like `number`, with a plus sign before what is above zero."""
        return ("+" if round(value, decimals) > 0 else "") + self.number(value, decimals)

    def span(self, seconds: float) -> str:
        """Return a length of time in its largest fitting unit: 45 s, 12 min, 5 t, 3 d."""
        amount, unit = split_span(seconds)
        return f"{self.number(amount)}{_NO_BREAK}{self('span.' + unit)}"

    def ago(self, seconds: float) -> str:
        """Return "for 12 s siden"."""
        return self("ago", span=self.span(max(0.0, seconds)))

    def clock(self, at_s: float, *, seconds: bool = False) -> str:
        """Return the time of day."""
        return self.local(at_s).strftime("%H:%M:%S" if seconds else "%H:%M")

    def moment(self, at_s: float, now_s: float) -> str:
        """Return "kl. 14:32", with the day before it unless that is today."""
        when, now = self.local(at_s), self.local(now_s)
        clock = self("at_clock", clock=when.strftime("%H:%M"))
        if when.date() == now.date():
            return clock
        return f"{self.day(at_s, year=when.year != now.year)} {clock}"

    def day(self, at_s: float, *, year: bool = False) -> str:
        """Return "24. nov." or "24 Nov"."""
        when = self.local(at_s)
        month = _MONTHS[self.language].split()[when.month - 1]
        day = f"{when.day}. {month}" if self.language == "nb" else f"{when.day} {month}"
        return f"{day} {when.year}" if year else day

    def local(self, at_s: float) -> datetime:
        """Return a UTC time as local time."""
        return datetime.fromtimestamp(at_s, self._zone)

    @staticmethod
    def utc(at_s: float) -> str:
        """Return a time in UTC as machines read it."""
        return datetime.fromtimestamp(int(at_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def iso(self, at_s: float) -> str:
        """Return a time as machines read it, with its offset from UTC."""
        return self.local(int(at_s)).isoformat()


def split_span(seconds: float) -> tuple[int, str]:
    """Return a length of time as whole (amount, unit); unit is "s", "min", "h" or "d"."""
    if seconds < 60:
        return int(seconds), "s"
    if seconds < 3600:
        return int(seconds // 60), "min"
    if seconds < 48 * 3600:
        return int(seconds // 3600), "h"
    return int(seconds // 86_400), "d"


def preferred(accept: str, offered: tuple[Language, ...] = LANGUAGES) -> Language:
    """Return the language an Accept-Language header asks for; the first one offered where it asks for none.

    Every kind of Norwegian, and Danish and Swedish, are served Bokmål.
    """
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept[:500].split(",")):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.partition("q=")[2] or 1)
        except ValueError:
            weight = 0.0
        wanted.append((-weight, place, tag.lower().partition("-")[0]))
    for weight, _, tag in sorted(wanted):
        language: Language | None = (
            "nb" if tag in {"nb", "nn", "no", "da", "sv"} else "en" if tag == "en" else None
        )
        if language in offered and weight < 0:
            return language
    return offered[0]
