"""What a technician reads, in bokmål or English. The texts are in texts.yaml."""

import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from ruamel.yaml import YAML

Language = Literal["nb", "en"]
LANGUAGES: tuple[Language, ...] = ("nb", "en")


@cache
def texts() -> Mapping[str, Mapping[Language, str]]:
    """Return every text by its key and language."""
    source = files(__package__).joinpath("texts.yaml").read_text(encoding="utf-8")
    return cast(Mapping[str, Mapping[Language, str]], YAML(typ="safe").load(source))


def language_of(asked: str | None, environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language asked for, else that of the environment: Norwegian of any kind is bokmål here."""
    spoken = asked or environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG")
    return "nb" if (spoken or "").lower().startswith(("nb", "no", "nn")) else "en"


class Words:
    """Says things in `language`."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text `key` with `values` filled in."""
        return texts()[key][self.language].format(**values)
