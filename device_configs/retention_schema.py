"""What site.yaml may say about how much a gateway keeps, and for how long."""

from typing import Annotated

from pydantic import Field

from device_configs.entry import Entry

Days = Annotated[int, Field(ge=1, le=36_600)]
NodeHoldsDays = Annotated[int, Field(ge=60, le=36_600)]


class Retention(Entry):
    """What is older than a number of days is deleted, once a day; left out: as the default says.

    Readings that sync has not had are never deleted for their age.
    """

    store_mb: Annotated[int, Field(ge=64, le=1_000_000)] = 4096
    """Room the store may take on disk: from 80 % on the oldest readings that sync has had leave."""
    watermark_percent: Annotated[int, Field(ge=5, le=80)] = 60
    """With more than this share of the room unsynced, somebody should be told."""
    readings_days: NodeHoldsDays | None = None
    """Readings that sync has had, at least 60 (nodes may send again what is younger); null: while there is
    room."""
    hourly_days: Annotated[int, Field(ge=35, le=36_600)] = 800
    """Hours of the readings: two winters and more."""
    daily_days: Annotated[int, Field(ge=35, le=36_600)] | None = None
    """Days of the readings; null: for ever."""
    alerts_days: Days | None = None
    """History of the alerts, how they ended, rounds to the grates; null: the newest 100 000 events."""
    messages_days: Annotated[int, Field(ge=7, le=36_600)] = 90
    """What was delivered to whom by which channel, with the receipts."""
    audit_days: Days = 1826
    """Lines of the audit log."""
    names_days: Days = 1826
    """Names of those who acknowledged, closed, inspected, logged in or changed something. What they did
    stays."""
