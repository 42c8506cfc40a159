"""What `sensornett doctor` finds: one thing that was looked at, how it is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `next_step` says what to do where it is not well."""

    what: str
    health: Health
    text: str
    next_step: str = ""
