"""Deletes what is older in alerts.db than the site keeps it, and names; what is under way stays."""

import apsw

from device_configs.retention_schema import Retention

DAY_S = 86_400
_OLD_MESSAGES = "(SELECT id FROM outbox WHERE done_s < ?)"
_MESSAGES = (
    ("receipts", f"DELETE FROM deliveries WHERE message IN {_OLD_MESSAGES}"),  # noqa: S608
    ("messages", "DELETE FROM outbox WHERE done_s < ?"),
)
_NAMES = (
    ("maintenance", "DELETE FROM maintenance WHERE until_s < ?"),
    ("names", "UPDATE events SET by = '' WHERE by <> '' AND at_s < ?"),
    ("names", "UPDATE closings SET by = '' WHERE by <> '' AND at_s < ?"),
    ("names", "UPDATE inspections SET by = '' WHERE by <> '' AND at_s < ?"),
)
_HISTORY = (
    ("events", "DELETE FROM events WHERE at_s < ?"),
    ("closings", "DELETE FROM closings WHERE at_s < ?"),
    ("inspections", "DELETE FROM inspections WHERE at_s < ?"),
)


def forget(db: apsw.Connection, keep: Retention, now_s: int) -> dict[str, int]:
    """Do so in one transaction; return how many rows of which kind it was. Raises apsw.Error."""
    found: dict[str, int] = {}
    with db:
        for steps, days in (
            (_MESSAGES, keep.messages_days),
            (_NAMES, keep.names_days),
            (_HISTORY, keep.alerts_days),
        ):
            if days is None:
                continue
            for what, sql in steps:
                db.execute(sql, (now_s - days * DAY_S,))
                found[what] = found.get(what, 0) + db.changes()
    return found
