"""Short codes in text messages, and what a reply with one means.

A code is small, so that it can be typed with gloves, and is not given again for a week.
"""

import json
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.alerts.paging import Member
from gateway.alerts.sms import Reply

KEPT_S = 7 * 86_400
VALID_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply asks for, or why it is refused."""

    members: tuple[Member, ...] = ()
    escalate: bool = False
    refused: str = ""


def assign(db: apsw.Connection, message: int, now_s: int) -> int:
    """Return the code of a message; the same for each attempt."""
    given: list[Any] = db.execute("SELECT code FROM codes WHERE message = ?", (message,)).fetchall()
    if given:
        return int(given[0][0])
    with db:
        db.execute("DELETE FROM codes WHERE given_s < ?", (now_s - KEPT_S,))
        used = {code for (code,) in db.execute("SELECT code FROM codes")}
        code = next(number for number in range(1, len(used) + 2) if number not in used)
        db.execute("INSERT INTO codes (code, message, given_s) VALUES (?, ?, ?)", (code, message, now_s))
    return code


def answered(db: apsw.Connection, reply: Reply, registered: bool, now_s: int) -> Answer:
    """Return what to do about a reply, and use its code up.

    Unknown numbers, texts without a code, unknown and old codes and repeats are refused.
    """
    if not registered:
        return Answer(refused="unknown number")
    if reply.code is None:
        return Answer(refused="no code")
    rows: list[Any] = db.execute(
        "SELECT c.given_s, c.used_s, o.members FROM codes AS c JOIN outbox AS o ON o.id = c.message "
        "WHERE c.code = ?",
        (reply.code,),
    ).fetchall()
    if not rows:
        return Answer(refused="unknown code")
    given_s, used_s, members = rows[0]
    if now_s - given_s > VALID_S:
        return Answer(refused="old code")
    if used_s is not None:
        return Answer(refused="repeated")
    with db:
        db.execute("UPDATE codes SET used_s = ? WHERE code = ?", (now_s, reply.code))
    return Answer(tuple(Member(**member) for member in json.loads(members)), reply.escalate)


def confirmed(db: apsw.Connection, key: str) -> bool:
    """Whether somebody has answered the message of this key with its code."""
    rows = db.execute(
        "SELECT 1 FROM codes AS c JOIN outbox AS o ON o.id = c.message "
        "WHERE o.key = ? AND c.used_s IS NOT NULL",
        (key,),
    ).fetchall()
    return bool(rows)
