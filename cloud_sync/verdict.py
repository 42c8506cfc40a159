"""What a server's answer to a write means for the points in it. Pure.

Servers disagree on what they say (InfluxDB 2.0 answers 500 to a type conflict, VictoriaMetrics 204 to
everything, a login page of some network 200), so only 204 counts as proof that points were taken, and a
refusal never says which of them were.
"""

import email.utils
import json
from dataclasses import dataclass

RETRY_AFTER_MAX_S = 3600.0
_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Ok:
    """All points are written."""


@dataclass(frozen=True, slots=True)
class Refused:
    """At least one point was refused; the others may be written or not. Sending them again is harmless."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The server refuses us, not the points: credentials, address or database are wrong. Needs a human."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The body exceeds the server's limit (413)."""

    reason: str = "the server calls the batch too large"


@dataclass(frozen=True, slots=True)
class Later:
    """Nobody knows whether the points were written. Send again, after `after_s` when the server says so."""

    after_s: float | None
    reason: str
    timed_out: bool = False


Verdict = Ok | Refused | Hold | TooLarge | Later


def judge(status: int, text: str, *, retry_after: str | None = None, now_s: float = 0.0) -> Verdict:
    """Return what an HTTP answer means. `retry_after` is that header; `now_s` (unix) serves its date form."""
    reason = reason_in(text) or f"status {status} without a reason"
    if status == 204:
        return Ok()
    if status == 413:
        return TooLarge(reason)
    if status in (408, 429) or (status >= 500 and not _blames_points(text)):
        return Later(retry_after_s(retry_after, now_s), f"{status}: {reason}")
    # 201 is how InfluxDB's clustered editions say that they took only some of the points.
    if status in (201, 400, 409, 422) or status >= 500:
        return Refused(status, reason)
    if status in (401, 403, 404, 407):
        return Hold(status, reason)
    if status < 400:
        return Hold(status, f"status {status} is not an InfluxDB server's answer to a write: {reason}")
    return Refused(status, reason)


def reason_in(text: str) -> str:
    """Return the error text of an answer's body, in whichever of the known forms, cut to 500 characters."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    reason = text
    if isinstance(answer, dict):
        reason = str(answer.get("error") or answer.get("message") or text)
        if details := answer.get("data"):  # InfluxDB 3: one entry for each line it refused
            reason = f"{reason}: {json.dumps(details, ensure_ascii=False)}"
    return " ".join(reason.split())[:_REASON_LENGTH]


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Return the seconds a Retry-After header asks for, 0 to an hour; None without a readable one."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - now_s
        except ValueError:
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S) if seconds == seconds else None


def _blames_points(text: str) -> bool:
    """InfluxDB 2.0 answers 500 to points it will never take; repeating those would block all others."""
    lowered = text.lower()
    return "partial write" in lowered or "field type conflict" in lowered
