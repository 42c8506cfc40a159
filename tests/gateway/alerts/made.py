"""Stored records of the demonstration site, made up for the tests of the alerts."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.model import Record, StoredRecord
from wire.quantities import FAULT, OK

T0 = 1_790_000_000


@cache
def site() -> Site:
    return load_site(SITES / "narvik-demo")


def loop_ua(level_mm: float, zero_mm: int = -200) -> int:
    """The loop current at which the demonstration's transmitter of 0 to 3 m shows a level."""
    return round(4000 + (level_mm - zero_mm) * 16000 / 3000)


def intake(
    at_s: int,
    up_mm: float | None,
    down_mm: float = 100,
    *,
    commit: int = 0,
    node: int = 11,
    quality: Sequence[int] | None = None,
    water_cc: int = 400,
    air_cc: int = 600,
) -> StoredRecord:
    """A record of node 11. `up_mm` None: its sensor failed."""
    up = None if up_mm is None else loop_ua(up_mm)
    marks = tuple(quality or (FAULT if up is None else OK, OK, OK, OK, OK))
    values = (up, loop_ua(down_mm, -100), water_cc, air_cc, 3500)
    return StoredRecord(
        commit, node, 1, commit, at_s, 0, at_s * 1000, 1, values, marks, "mqtt", -70, None, False
    )


def snow(at_s: int, depth_mm: float, air_cc: int = -600, *, commit: int = 0, node: int = 21) -> StoredRecord:
    """A record of node 21, or of 22 on its roof."""
    height_mm = 3500 if node == 21 else 2600
    values = (round(height_mm - depth_mm), 4, air_cc, 3500)
    marks = (OK,) * 4
    return StoredRecord(
        commit, node, 1, commit, at_s, 0, at_s * 1000, 2, values, marks, "mqtt", -70, None, False
    )


def stored(record: StoredRecord, seq: int) -> Record:
    """The same as ingest hands it to the store."""
    fields: dict[str, Any] = {name: getattr(record, name) for name in Record.__dataclass_fields__}
    return Record(**fields | {"seq": seq})
