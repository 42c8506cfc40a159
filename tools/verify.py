"""Do the node's flash, the store and InfluxDB hold the same records, at the world's times? Pure.

Sets are compared, not counts: a record is (node, epoch, sequence, values).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model import StoredRecord
from hardware.virtual.backlog_image import FlashRecord

Identity = tuple[int, int, int, tuple[int | None, ...]]  # node, epoch, sequence, values
Point = Mapping[str, int | float]

TOLERANCE_S = 2.0
NAMED = 5  # differences of one kind that are named one by one


@dataclass(slots=True)
class Comparison:
    """`differences` in words; none: the run has proved what it set out to prove. Counts are of records."""

    measured: int = 0
    stored: int = 0
    synced: int = 0
    duplicates: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.differences


def compare(
    flash: Mapping[int, Sequence[FlashRecord]],
    stored: Sequence[StoredRecord],
    points: Mapping[int, Sequence[Point]],
    keys: Mapping[int, Sequence[str]],
    moments_ms: Mapping[int, Sequence[int]],
    quarantined: int = 0,
) -> Comparison:
    """Compare what each node's flash holds with the store and with what a query to InfluxDB returned.

    `points` has each point's fields and `time_s`; `keys` the raw field of each channel, in order;
    `moments_ms` when, in UTC, the world was sampled by each node, ascending.
    """
    found = Comparison()
    in_flash = {(n, r.epoch, r.seq, r.values) for n, records in flash.items() for r in records}
    in_store = [(r.node, r.epoch, r.seq, r.values) for r in stored]
    in_influx = [_identity(n, point, keys[n]) for n, some in points.items() for point in some]
    found.measured, found.stored, found.synced = len(in_flash), len(set(in_store)), len(set(in_influx))
    found.duplicates = len(in_store) - len(set(in_store)) + len(in_influx) - len(set(in_influx))
    if found.duplicates:
        found.differences.append(f"{found.duplicates} records are there more than once")
    _differ(found, in_flash, set(in_store), "flash", "store")
    if quarantined:
        found.differences.append(f"{quarantined} records are in quarantine")
    _differ(found, set(in_store), set(in_influx), "store", "InfluxDB")
    every = [(n, p) for n, some in points.items() for p in some]
    times = {(n, int(p["epoch"]), int(p["seq"])): int(p["time_s"]) for n, p in every}
    wrong = [r for r in stored if times.get((r.node, r.epoch, r.seq), r.measured_at_s) != r.measured_at_s]
    _tell(found, "InfluxDB has another time than the store for", [f"{r.node}/{r.seq}" for r in wrong])
    _tell(found, "measured_at is not the world's for", _out_of_time(stored, moments_ms))
    return found


def _identity(node: int, point: Point, keys: Iterable[str]) -> Identity:
    values = tuple(int(point[key]) if key in point else None for key in keys)
    return node, int(point["epoch"]), int(point["seq"]), values


def _differ(found: Comparison, a: set[Identity], b: set[Identity], a_name: str, b_name: str) -> None:
    _tell(found, f"in {a_name}, not in {b_name}:", [_named(r) for r in sorted(a - b, key=repr)])
    _tell(found, f"in {b_name}, not in {a_name}:", [_named(r) for r in sorted(b - a, key=repr)])


def _named(record: Identity) -> str:
    node, _, seq, values = record
    return f"{node}/{seq} {values}"


def _tell(found: Comparison, what: str, which: Sequence[str]) -> None:
    if which:
        more = f" and {len(which) - NAMED} more" if len(which) > NAMED else ""
        found.differences.append(f"{what} {', '.join(which[:NAMED])}{more}")


def _out_of_time(stored: Iterable[StoredRecord], moments_ms: Mapping[int, Sequence[int]]) -> list[str]:
    """Return the records whose time is further from every sampling of the world than the tolerance."""
    wrong = []
    for record in stored:
        moments = moments_ms.get(record.node, ())
        at_ms = record.measured_at_s * 1000
        i = bisect_left(moments, at_ms)
        near = min((abs(moment - at_ms) for moment in moments[max(0, i - 1) : i + 1]), default=None)
        if near is None or near > TOLERANCE_S * 1000:
            apart = "nothing" if near is None else f"{near / 1000:.1f} s"
            wrong.append(f"{record.node}/{record.seq} ({apart} off)")
    return wrong
