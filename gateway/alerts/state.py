"""The values the state machine works on. Times are UTC seconds."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Phase(StrEnum):
    NORMAL = "normal"
    PENDING = "pending"  # breached, but not for long or often enough yet
    ALERTING = "alerting"
    RECOVERING = "recovering"  # still active: back in bounds, but not for long enough or not acknowledged
    NO_DATA = "no_data"  # nothing has been heard for too long
    ERROR = "error"  # the sensor says that it can not measure


ACTIVE = frozenset({Phase.ALERTING, Phase.RECOVERING})


class Trust(StrEnum):
    """What a value is worth."""

    GOOD = "good"
    BEYOND_HIGH = "beyond_high"  # the truth is this or more: the instrument is at its upper limit
    BEYOND_LOW = "beyond_low"  # the truth is this or less
    BAD = "bad"  # no value, or one that nothing may be concluded from


@dataclass(frozen=True, slots=True)
class Observation:
    """What a watch sees of one record: `at_s` is the time of measurement."""

    at_s: int
    value: float | None
    trust: Trust = Trust.GOOD
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the state machine has to know of a rule on a node; limits are in the unit of the watched value."""

    above: float | None = None
    below: float | None = None
    deadband: float = 0.0
    on_delay_s: int = 0
    off_delay_s: int = 0
    n: int = 1
    m: int = 1
    latching: bool = False
    no_data_after_s: int | None = None
    escalate_after_s: int | None = None


class Kind(StrEnum):
    """What happened."""

    RAISED = "raised"
    STANDING = "standing"  # what kept it silent has ended, and it is still active
    CLEARED = "cleared"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SHELF_ENDED = "shelf_ended"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history. `notify`: people have to be told; `occurrence` counts the watch's alerts.

    `measured_at_s` is when the value was measured, `at_s` when the gateway concluded.
    """

    kind: Kind
    at_s: int
    occurrence: int
    notify: bool = False
    value: float | None = None
    measured_at_s: int | None = None
    beyond: bool = False
    evidence: str = ""
    by: str = ""
    note: str = ""
    level: int = 0


class State(NamedTuple):  # not a dataclass: a copy is made for each reading, and a tuple's costs a tenth
    """Where one watch stands. `newest_s` is the time of the newest usable reading that was evaluated;
    `bad_s` that of the newest one that was not usable."""

    phase: Phase = Phase.NORMAL
    occurrence: int = 0
    newest_s: int | None = None
    bad_s: int | None = None
    value: float | None = None
    beyond: bool = False
    evidence: str = ""
    recent: tuple[bool, ...] = ()
    breach_since_s: int | None = None
    back_since_s: int | None = None
    over: bool = False  # the condition has ended; only the acknowledgement is missing
    raised_at_s: int | None = None
    cleared_at_s: int | None = None  # when the last occurrence ended that people knew of
    heard_s: int | None = None  # lost monitoring only: time of the newest usable reading
    announced: bool = False  # people have been told of this occurrence
    announced_at_s: int | None = None
    acknowledged_by: str = ""
    acknowledged_at_s: int | None = None
    escalations: int = 0
    shelved_until_s: int | None = None
    shelved_by: str = ""
    out_of_service_by: str = ""

    @property
    def active(self) -> bool:
        return self.phase in ACTIVE

    @property
    def blind(self) -> bool:
        """Whether the sensor has failed since the value that is known."""
        return self.bad_s is not None and (self.newest_s is None or self.bad_s > self.newest_s)

    @property
    def silent(self) -> bool:
        """Whether somebody has decided that this watch pages nobody for now."""
        return self.shelved_until_s is not None or bool(self.out_of_service_by)

    def but(self, **changes: Any) -> "State":
        return self._replace(**changes)

    def to_json(self) -> str:
        return json.dumps(self._asdict(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "State":
        fields = json.loads(text)
        return cls(**{**fields, "phase": Phase(fields["phase"]), "recent": tuple(fields["recent"])})
