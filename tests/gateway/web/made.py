"""A demo site with records made up: what the tests of the page look at."""

from collections.abc import Iterable, Sequence

from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.model import StoredRecord
from gateway.web.live import Live, NodeLive
from wire.quantities import FAULT, MISSING, OK

NOW_S = 1_795_000_000
INTERVAL_S = 600
SITE: Site = load_site(SITES / "narvik-demo")


def raw_level(mm: int, zero_mm: int, span_mm: int) -> int:
    """Return the loop current in µA of a 4-20 mA transmitter that shows `mm`."""
    return round(4000 + (mm - zero_mm) * 16_000 / span_mm)


def record(
    node: int,
    at_s: int,
    values: Sequence[int | None],
    *,
    commit: int = 1,
    quality: Sequence[int] = (),
    carrier: str = "mqtt",
    rssi_dbm: int | None = None,
    schema_id: int | None = None,
) -> StoredRecord:
    schema = SITE.node(node).profile.schema_id if schema_id is None else schema_id
    marks = tuple(quality) or tuple(OK if value is not None else MISSING for value in values)
    return StoredRecord(
        commit, node, 0xA1B2C3D4, commit, at_s, 2000, at_s * 1000 + 900, schema, tuple(values), marks,
        carrier, rssi_dbm, None, False,
    )  # fmt: skip


def intake(up_mm: int, down_mm: int, at_s: int = NOW_S, **more: object) -> StoredRecord:
    """A record of the intake 11, whose culvert is 1200 mm high."""
    values = [raw_level(up_mm, -200, 3000), raw_level(down_mm, -100, 3000), 412, -350, 3580]
    return record(11, at_s, values, **more)  # type: ignore[arg-type]


def snow(depth_mm: int, at_s: int = NOW_S, **more: object) -> StoredRecord:
    """A record of the snow node 21, whose ranger hangs at 3500 mm."""
    return record(21, at_s, [3500 - depth_mm, 5, -650, 3610], **more)  # type: ignore[arg-type]


def building(
    watts: int, at_s: int = NOW_S, wh: int | None = None, *, node: int = 31, commit: int = 1
) -> StoredRecord:
    """A record of a building's meter; without `wh` there is no register in it."""
    ma = watts * 1000 // 693
    missing = None
    return record(
        node,
        at_s,
        [watts, 0, wh, missing, watts // 9, 0, ma, ma, ma, 2310, 2314, 2307, missing, missing],
        commit=commit,
    )


def broken_intake(at_s: int = NOW_S) -> StoredRecord:
    """A record of intake 11 whose upstream sensor does not answer."""
    return record(11, at_s, [None, 7000, 412, -350, 3580], quality=[FAULT, OK, OK, OK, OK])


class Shelf:
    """A store's reader over a list of records."""

    def __init__(self, records: Iterable[StoredRecord] = ()) -> None:
        self.records = list(records)

    def last_commit(self) -> int:
        return max((r.commit for r in self.records), default=0)

    def after(self, commit: int, limit: int) -> list[StoredRecord]:
        found = sorted((r for r in self.records if r.commit > commit), key=lambda r: r.commit)
        return found[:limit]

    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]:
        found = [r for r in self.records if r.node == node and from_s <= r.measured_at_s < to_s]
        return sorted(found, key=lambda r: r.measured_at_s)

    def newest(self, node: int) -> StoredRecord | None:
        mine = [r for r in self.records if r.node == node]
        return max(mine, key=lambda r: r.measured_at_s, default=None)


def live(*records: StoredRecord, site: Site = SITE, now_s: int = NOW_S) -> Live:
    found = Live(site)
    found.fill(Shelf(records), now_s)
    return found


def node(*records: StoredRecord) -> NodeLive:
    """Return the node that the records are of."""
    return live(*records).nodes[records[0].node]
