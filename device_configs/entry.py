"""The base of everything a configuration file may say, and the types its values are made of.

Laws of every file:
1. An unknown key is a mistake, never ignored.
2. A key of a physical value ends in its unit (`_s`, `_ms`, `_mm`, `_mv`, `_khz` ...).
3. Nothing is converted silently: a number in quotes is not a number, a time has its zone.
4. `name` (`id` of a site) equals the name of the file (folder).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from wire.quantities import BY_NAME


class Entry(BaseModel):
    """A mapping in a configuration file. Its fields are documented by the strings below them."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def wrong(message: str, *, known: Iterable[str] = ()) -> PydanticCustomError:
    """Return an error with this text; `known` are the names that would have been right."""
    return PydanticCustomError("wrong", "{text}", {"text": message, "known": sorted(known)})


def _is_quantity(name: str) -> str:
    if name not in BY_NAME:
        raise wrong(f"unknown quantity `{name[:40]}`", known=BY_NAME)
    return name


def _is_in(kind: str) -> AfterValidator:
    """A name that the catalog has to hold, where the file is read together with one."""

    def check(name: str, info: ValidationInfo) -> str:
        catalog: dict[str, Iterable[str]] = info.context or {}
        known = catalog.get(kind)
        if known is not None and name not in known:
            raise wrong(f"unknown {kind} `{name[:40]}`", known=known)
        return name

    return AfterValidator(check)


MEANING: dict[str, str] = {}  # of each pattern, in words


def matching(pattern: str, meaning: str) -> Any:
    """A text that matches the pattern; `meaning` says in words what that is."""
    MEANING[pattern] = meaning
    return Field(pattern=pattern)


def _is_plain(text: str) -> str:
    # Text ends up on terminals and pages: an escape sequence has no business there.
    if not all(c.isprintable() or c == "\n" for c in text):
        raise wrong("holds a control character")
    return text


def _in_utc(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2100:
        raise wrong(f"the year {moment.year} can not be meant")
    return moment.astimezone(UTC)


def _is_sane(day: date) -> date:
    if not 1990 <= day.year < 2100:
        raise wrong(f"the year {day.year} can not be meant")
    return day


SLUG = r"^[a-z0-9][a-z0-9-]{0,31}$"
Slug = Annotated[str, matching(SLUG, "1 to 32 small letters, digits and hyphens")]
Word = Annotated[str, matching(r"^[a-z][a-z0-9_]{0,30}$", "a small letter, then small letters, digits and _")]
Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_is_plain)]
QuantityName = Annotated[str, AfterValidator(_is_quantity)]
BoardName = Annotated[str, _is_in("board")]
SensorName = Annotated[str, _is_in("sensor")]
ProfileName = Annotated[str, _is_in("profile")]
NodeId = Annotated[int, Field(ge=1, le=65535)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Day = Annotated[date, AfterValidator(_is_sane)]
