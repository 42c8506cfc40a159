"""What the energy figures need of the records, kept small: every register value, and power and outdoor
temperature by the hour. It follows the store by a cursor and outlives records that are pruned.

`meters.db` in the state directory, written by the gateway beside its page. Whoever else wants it reads that
file, or makes its own in memory where there is none.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import apsw

from device_configs.checks import METER_KEY
from device_configs.model import Node, Site
from gateway.energy.hours import HOUR_S
from gateway.energy.metering import POWER_GAP_S, PowerHour, Sample, power_hours
from gateway.model import StoredRecord
from gateway.readings import readings
from gateway.store.change import StoreError
from gateway.store.damage import Unreadable
from gateway.store.migrations import NewerSchema, migrate
from gateway.store.reader import Reader
from wire.quantities import FROZEN, OK

FILE_NAME = "meters.db"
POWER_KEY = "import_power_w"
_GOOD = (OK, FROZEN)
_PAGE = 20_000  # records read at a time

_MIGRATIONS = (
    (
        "first",
        """
        CREATE TABLE followed (node INTEGER PRIMARY KEY, made_for TEXT NOT NULL, store_id BLOB NOT NULL,
            commit_no INTEGER NOT NULL) STRICT;
        CREATE TABLE registers (node INTEGER NOT NULL, at_s INTEGER NOT NULL, wh INTEGER NOT NULL,
            PRIMARY KEY (node, at_s)) STRICT, WITHOUT ROWID;
        CREATE TABLE power (node INTEGER NOT NULL, start_s INTEGER NOT NULL, twice_ws INTEGER NOT NULL,
            covered_s INTEGER NOT NULL, PRIMARY KEY (node, start_s)) STRICT, WITHOUT ROWID;
        CREATE TABLE means (node INTEGER NOT NULL, key TEXT NOT NULL, start_s INTEGER NOT NULL,
            mean REAL NOT NULL, PRIMARY KEY (node, key, start_s)) STRICT, WITHOUT ROWID;
        """,
    ),
    (
        "swaps that nodes have seen",
        "CREATE TABLE swaps (node INTEGER NOT NULL, at_s INTEGER NOT NULL, PRIMARY KEY (node, at_s)) "
        "STRICT, WITHOUT ROWID;",
    ),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One node and what is wanted of it: a meter's register and power, or the means of some values."""

    node: Node
    meter: bool
    means: tuple[str, ...]

    def made_for(self) -> str:
        """Return what the kept values depend on besides the records."""
        revisions = sorted((c.channel, c.revision) for c in self.node.calibration)
        return json.dumps([self.meter, self.means, self.node.profile.name, revisions])


def wanted(site: Site) -> list[Wanted]:
    """Return what the buildings of a site need of their nodes."""
    meters = {meter.node for building in site.buildings for meter in building.meters}
    means: dict[int, set[str]] = {}
    for building in site.buildings:
        outdoor = building.outdoor_temperature
        if outdoor and outdoor.node is not None and outdoor.key is not None:
            means.setdefault(outdoor.node, set()).add(outdoor.key)
    known = {node.id for node in site.nodes}
    return [
        Wanted(site.node(number), number in meters, tuple(sorted(means.get(number, ()))))
        for number in sorted((meters | means.keys()) & known)
    ]


class MeterHours:
    """Open it with `open`; `follow` brings it up to date."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path | None, now_ms: int) -> Self:
        """Open the file at `path` for writing, making it as needed; without a path, keep it all in memory.

        Raises StoreError.
        """
        try:
            db = apsw.Connection(str(path) if path else ":memory:")
            db.set_busy_timeout(5000)
            if path:
                db.execute("PRAGMA journal_mode = WAL")
            migrate(db, now_ms, _MIGRATIONS)
        except NewerSchema as error:
            hint = "Install the version that wrote it, or move it aside."
            raise StoreError(f"{path}: {error}. {hint}") from error
        except apsw.Error as error:
            raise StoreError(
                f"{path}: cannot be opened ({error}). Move it aside: it is made anew."
            ) from error
        return cls(db)

    @classmethod
    def read(cls, state: Path) -> Self | None:
        """Open the file in a state directory for reading; None where there is none. Raises StoreError."""
        path = state / FILE_NAME
        if not path.exists():
            return None
        try:
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            db.set_busy_timeout(5000)
            made = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'swaps'").get
        except apsw.Error as error:
            raise Unreadable.of(path, error, "Move it aside: it is made anew.") from error
        if not made:  # it is being made just now, or an older gateway left it
            db.close()
            return None
        return cls(db)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def follow(
        self, reader: Reader, wanted: Sequence[Wanted], go_on: Callable[[], bool] = lambda: True
    ) -> set[int]:
        """Take in what was committed since; return the nodes of which something has changed.

        Records that come late change the hours they belong to. It ends early, to go on with the next call,
        once `go_on` says no.
        """
        store_id = reader.store_id
        kept = {
            node: (made_for, bytes(store), commit)
            for node, made_for, store, commit in self._db.execute("SELECT * FROM followed")
        }
        behind: dict[int, list[Wanted]] = {}
        for want in wanted:
            made_for, store, commit = kept.get(want.node.id, ("", b"", 0))
            same = (made_for, store) == (want.made_for(), store_id)
            behind.setdefault(commit if same else 0, []).append(want)
        changed = self._follow_swaps(reader, {want.node.id for want in wanted if want.meter})
        for commit, wants in sorted(behind.items()):
            changed |= self._follow(reader, {want.node.id: want for want in wants}, commit, store_id, go_on)
        return changed

    def _follow_swaps(self, reader: Reader, meters: set[int]) -> set[int]:
        known = set(self._db.execute("SELECT node, at_s FROM swaps"))
        swaps = {(e.node, e.at_s) for e in reader.register_events() if e.kind == "swap" and e.node in meters}
        with self._db:
            self._db.executemany("INSERT INTO swaps VALUES (?, ?)", swaps - known)
        return {node for node, _ in swaps - known}

    def _follow(
        self,
        reader: Reader,
        wants: dict[int, Wanted],
        commit: int,
        store_id: bytes,
        go_on: Callable[[], bool],
    ) -> set[int]:
        changed: set[int] = set()
        while True:
            page = reader.after(commit, _PAGE)
            dirty: dict[int, set[int]] = {}
            for record in page:
                if record.node in wants:
                    around = (record.measured_at_s - POWER_GAP_S, record.measured_at_s + POWER_GAP_S)
                    dirty.setdefault(record.node, set()).update(s // HOUR_S * HOUR_S for s in around)
            commit = page[-1].commit if page else commit
            with self._db:
                for node, hours in dirty.items():
                    self._reckon(reader, wants[node], hours)
                self._db.executemany(
                    "INSERT OR REPLACE INTO followed VALUES (?, ?, ?, ?)",
                    [(node, want.made_for(), store_id, commit) for node, want in wants.items()],
                )
            changed |= dirty.keys()
            if len(page) < _PAGE or not go_on():
                return changed

    def _reckon(self, reader: Reader, want: Wanted, hours: set[int]) -> None:
        """Make some hours of a node anew from its records."""
        node = want.node
        for from_s, to_s in _runs(hours):
            records = reader.history(node.id, from_s - POWER_GAP_S, to_s + POWER_GAP_S)
            values = list(_values(records, want))
            if want.meter:
                self._db.executemany(
                    "INSERT OR REPLACE INTO registers VALUES (?, ?, ?)",
                    [(node.id, at_s, found[METER_KEY]) for at_s, found in values if METER_KEY in found],
                )
                samples = [(at_s, found[POWER_KEY]) for at_s, found in values if POWER_KEY in found]
                self._db.executemany(
                    "INSERT OR REPLACE INTO power VALUES (?, ?, ?, ?)",
                    [
                        (node.id, hour.start_s, hour.twice_ws, hour.covered_s)
                        for hour in power_hours(samples)
                        if hour.start_s in hours
                    ],
                )
            for key in want.means:
                by_hour: dict[int, list[int]] = {}
                for at_s, found in values:
                    if key in found:
                        by_hour.setdefault(at_s // HOUR_S * HOUR_S, []).append(found[key])
                self._db.executemany(
                    "INSERT OR REPLACE INTO means VALUES (?, ?, ?, ?)",
                    [(node.id, key, s, sum(v) / len(v)) for s, v in by_hour.items() if s in hours],
                )

    def registers(self, node: int) -> list[Sample]:
        """Return every value of a meter's register: (UTC seconds, Wh as the port shows it)."""
        rows = self._db.execute("SELECT at_s, wh FROM registers WHERE node = ? ORDER BY at_s", (node,))
        return [(at_s, wh) for at_s, wh in rows]

    def swaps(self, node: int) -> list[int]:
        """Return when the node saw another meter in the place of the one before, in UTC seconds."""
        return [at_s for (at_s,) in self._db.execute("SELECT at_s FROM swaps WHERE node = ?", (node,))]

    def power(self, node: int) -> list[PowerHour]:
        """Return a meter's power by the hour, as the port shows it."""
        rows = self._db.execute(
            "SELECT start_s, twice_ws, covered_s FROM power WHERE node = ? ORDER BY start_s", (node,)
        )
        return [PowerHour(*row) for row in rows]

    def means(self, node: int, key: str) -> dict[int, float]:
        """Return the hourly means of a value, in its integer unit, by the hour's start."""
        rows = self._db.execute(
            "SELECT start_s, mean FROM means WHERE node = ? AND key = ? ORDER BY start_s", (node, key)
        )
        return {start_s: mean for start_s, mean in rows}  # noqa: C416  typed


def _values(records: Iterable[StoredRecord], want: Wanted) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield (UTC seconds, the wanted values that are good) of each record."""
    channels = want.node.profile.channels
    keys = {*want.means, *((METER_KEY, POWER_KEY) if want.meter else ())}
    raw = [(i, channel.key) for i, channel in enumerate(channels) if channel.key in keys]
    derived = keys - {key for _, key in raw}
    for record in records:
        if record.schema_id != want.node.profile.schema_id or len(record.values) != len(channels):
            continue  # measured under the node's former profile
        found: dict[str, int] = {}
        for i, key in raw:
            value = record.values[i]
            if value is not None and record.quality[i] in _GOOD:
                found[key] = value
        if derived:
            for reading in readings(record, want.node):
                if reading.key in derived and reading.value is not None and reading.quality in _GOOD:
                    found[reading.key] = reading.value
        yield record.measured_at_s, found


def _runs(hours: set[int]) -> list[tuple[int, int]]:
    """Return the runs of hours as (from, to), at most a week long."""
    runs: list[tuple[int, int]] = []
    for start in sorted(hours):
        if runs and runs[-1][1] == start and start - runs[-1][0] < 168 * HOUR_S:
            runs[-1] = (runs[-1][0], start + HOUR_S)
        else:
            runs.append((start, start + HOUR_S))
    return runs
