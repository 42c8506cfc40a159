"""Taking over a duty: whoever begins is told and answers; else the recipient's other channels are. Pure."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.alerts.paging import Message
from gateway.alerts.rota import Shift

HANDOVER, MISSED = "handover", "handover_missed"
CONFIRM_S = 1800
STALE_S = 7200  # a gateway that was away for longer does not ask any more


def handovers(shifts: Sequence[Shift], now_s: int) -> list[Message]:
    """Return the messages that the shifts ask for by now: at the beginning, and where no answer has come.

    The key names recipient and beginning, no person. Only who has a telephone number can answer.
    """
    found = []
    for shift in shifts:
        since_s = now_s - shift.begin_s
        if not shift.phone or not 0 <= since_s < STALE_S:
            continue
        where = f"{shift.recipient}/{shift.begin_s}"
        found.append(_message(HANDOVER, where, shift, now_s))
        if since_s >= CONFIRM_S:
            found.append(_message(MISSED, where, shift, now_s))
    return found


def _message(kind: str, where: str, shift: Shift, now_s: int) -> Message:
    return Message(f"{kind}/{where}", shift.recipient, "warning", kind, now_s, now_s, ())


def handover_text(
    message: Message, role: str, shifts: Sequence[Shift], zone: ZoneInfo, language: str, code: int | None
) -> str:
    """Return what the one who begins, or everybody else, is told."""
    begin_s = int(message.key.rsplit("/", 1)[1])
    end_s = next(
        (s.end_s for s in shifts if (s.recipient, s.begin_s) == (message.recipient, begin_s)), begin_s
    )
    begin, end = (f"{datetime.fromtimestamp(at_s, zone):%d.%m %H:%M}" for at_s in (begin_s, end_s))
    if message.kind == MISSED:
        if language == "en":
            return f"{role}: the duty since {begin} has not been confirmed. Call whoever has it."
        return f"{role}: vakta fra {begin} er ikke bekreftet. Ring den som har vakt."
    if language == "en":
        answer = f" Reply {code} to confirm." if code is not None else ""
        return f"{role}: you have duty from now on until {end}.{answer}"
    answer = f" Svar {code} for å bekrefte." if code is not None else ""
    return f"{role}: du har vakt fra nå til {end}.{answer}"
