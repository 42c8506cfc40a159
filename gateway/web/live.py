"""The newest of every node and its last day, in memory. Filled from the store, then by what is committed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Protocol

from device_configs.model import Site
from gateway.clock import AHEAD_S, is_ahead
from gateway.model import Reading, StoredRecord
from gateway.readings import WrongSchema, readings
from gateway.shelved import lies
from gateway.web.places import Place, places
from gateway.web.window import Point, Window
from wire.quantities import MISSING, OK

DAY_S = 86_400
KEPT_S = DAY_S + 3600  # an hour more, to compare with what was a day ago
_BATCH = 2000


class Source(Protocol):
    """What the page needs of a store's reader."""

    def last_commit(self) -> int: ...
    def after(self, commit: int, limit: int) -> list[StoredRecord]: ...
    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]: ...
    def newest(self, node: int) -> StoredRecord | None: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One value as last measured, in the integer unit of its key times the place's factor."""

    at_s: int
    value: float | None
    quality: int


@dataclass(slots=True)
class NodeLive:
    """One node: `newest` has the last sample of each key, whatever was not measured left out."""

    place: Place
    windows: dict[str, Window] = field(default_factory=dict)
    newest: dict[str, Sample] = field(default_factory=dict)
    last: StoredRecord | None = None
    version: int = 0  # counts what was taken in
    shelved_s: int | None = None  # since when it is on the shelf, as far as is told; see `on_shelf_s`

    def take(self, record: StoredRecord, values: Iterable[Reading]) -> None:
        """Take in a record; records may come in any order, and twice."""
        self.version += 1
        if self.last is None or record.measured_at_s >= self.last.measured_at_s:
            self.last = record
        for reading in values:
            if reading.quality == MISSING:
                continue
            value = None if reading.value is None else reading.value * self.place.factor_of(reading.key)
            before = self.newest.get(reading.key)
            if before is None or record.measured_at_s >= before.at_s:
                self.newest[reading.key] = Sample(record.measured_at_s, value, reading.quality)
            window = self.windows.get(reading.key)
            if window is not None and value is not None:
                window.add(Point(record.measured_at_s, value))

    def points(self, key: str) -> list[Point]:
        window = self.windows.get(key)
        return window.points() if window is not None else []

    def stale(self, now_s: float) -> bool:
        """Whether the newest record is not to be called live: it is too old, or its node is on the shelf now.

        True where there is none, and where its time is still to come: nobody knows how old that is.
        """
        if self.last is None or self.on_shelf_s is not None or self.ahead(now_s):
            return True
        return now_s - self.last.measured_at_s > self.place.stale_after_s

    def ahead(self, now_s: float) -> bool:
        """Whether the newest record has its time of a clock that was ahead of this one."""
        return self.last is not None and is_ahead(self.last.measured_at_s, now_s)

    def forget(self) -> None:
        """Know no record any more."""
        self.windows = {key: Window(KEPT_S) for key in self.windows}
        self.newest, self.last = {}, None

    @property
    def on_shelf_s(self) -> int | None:
        """Since when the node lies on the shelf, asleep on purpose; None: it is at work, or ought to be."""
        newest_s = self.last.measured_at_s if self.last is not None else None
        return self.shelved_s if lies(self.shelved_s, newest_s) else None

    def good(self, key: str) -> Sample | None:
        """Return the newest sample of `key` if it has a value and nothing is wrong with it."""
        sample = self.newest.get(key)
        return sample if sample is not None and sample.value is not None and sample.quality == OK else None


class Live:
    """All nodes of a site, brought up to date by `follow`."""

    def __init__(self, site: Site, interval_s: int | None = None, unseen: tuple[str, ...] = ()) -> None:
        self.nodes = {id_: self._empty(place) for id_, place in places(site, interval_s, unseen).items()}
        self._profiles = {profile.schema_id: profile for profile in site.catalog.profiles.values()}
        self._cursor = 0
        self._fetched_s: dict[int, float] = {}  # when nodes were seen to be off the shelf again

    @staticmethod
    def _empty(place: Place) -> NodeLive:
        return NodeLive(place, {key: Window(KEPT_S) for key in place.followed})

    def fill(self, source: Source, now_s: int) -> None:
        """Take the last day from the store; of a node silent since, its last record. Raises StoreError."""
        self._cursor = source.last_commit()
        for node in self.nodes.values():
            self._fill(node, source, now_s)

    def _fill(self, node: NodeLive, source: Source, now_s: int) -> None:
        id_ = node.place.id
        records = source.history(id_, now_s - KEPT_S, now_s + AHEAD_S)
        if not records and (newest := source.newest(id_)) is not None:
            records = [newest]
        for record in records:
            self._take(node, record)

    def follow(self, source: Source, now_s: int) -> set[int]:
        """Take what was committed since; return the nodes it is of. Raises StoreError.

        Once a record agrees with the clock, earlier ones of a time to come, which a clock that has been put
        back since gave them, count no more.
        """
        changed = set()
        while records := source.after(self._cursor, _BATCH):
            for record in records:
                node = self.nodes.get(record.node)
                if node is not None:
                    if node.ahead(now_s) and not is_ahead(record.measured_at_s, now_s):
                        node.forget()
                        self._fill(node, source, now_s)
                    self._take(node, record)
                    changed.add(record.node)
            self._cursor = records[-1].commit
        return changed

    def shelve(self, since_s: Mapping[int, int], now_s: float) -> None:
        """Take note of which nodes are on the shelf, since when; see `gateway.shelved`.

        One that was fetched back is shown at work with its first record, for which it has as long as for any.
        """
        for id_, node in self.nodes.items():
            if id_ in since_s:
                node.shelved_s = since_s[id_]
                self._fetched_s.pop(id_, None)
            elif node.on_shelf_s is not None:
                if now_s - self._fetched_s.setdefault(id_, now_s) > node.place.stale_after_s:
                    node.shelved_s = None
            else:
                node.shelved_s = None
                self._fetched_s.pop(id_, None)

    def newest_at_s(self, now_s: float) -> int | None:
        """When the newest of all records was measured, as far as their times can be true."""
        known = (node.last for node in self.nodes.values() if not node.ahead(now_s))
        return max((last.measured_at_s for last in known if last is not None), default=None)

    def _take(self, node: NodeLive, record: StoredRecord) -> None:
        try:
            node.take(record, self.readings(node.place, record))
        except WrongSchema:  # sync puts such a record in quarantine and says so; here it only has no values
            node.take(record, ())

    def readings(self, place: Place, record: StoredRecord) -> list[Reading]:
        """Return the readings of a record, made under the node's profile or an earlier one of it.

        Raises WrongSchema where no profile has the record's schema.
        """
        profile = self._profiles.get(record.schema_id, place.node.profile)
        node = place.node if profile is place.node.profile else replace(place.node, profile=profile)
        return readings(record, node)


def value_at(points: Sequence[Point], at_s: float, within_s: float) -> float | None:
    """Return the median of the three last points up to `at_s`, none older than `within_s`; else None.

    It lags a little, equally at all times: so differences of it do not.
    """
    last = [point.value for point in points if at_s - within_s <= point.at_s <= at_s][-3:]
    return median(last) if last else None
