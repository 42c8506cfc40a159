"""What others have said about the buildings' energy: imported series with their revisions, the figures that
were reported, and what became of deviations.

`energy.db` in the state directory. One writes it at a time, for a moment, under a lock: `sensornett energy`,
or the gateway's page. Anybody reads it beside. Nothing is ever overwritten: a value that changes is a new
revision.
"""

import fcntl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import apsw

from gateway.energy.given import Given, Revised, compare
from gateway.store.change import StoreError
from gateway.store.damage import Unreadable
from gateway.store.migrations import NewerSchema, migrate

FILE_NAME = "energy.db"
TEMPERATURE = "temperature"
ANSWERS = ("seen", "known", "fixed")
HINT = "Put a backup of it back, or move it aside and import again."

_MIGRATIONS = (
    (
        "first",
        """
        CREATE TABLE imports (
            id INTEGER PRIMARY KEY,
            file TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            source TEXT NOT NULL,
            imported_at_ms INTEGER NOT NULL
        ) STRICT;

        -- carrier 'temperature': the name of the series stands in `building`, hundredths of a °C in `amount`
        CREATE TABLE given (
            building TEXT NOT NULL,
            carrier TEXT NOT NULL,
            meter TEXT NOT NULL,
            start_s INTEGER NOT NULL,
            end_s INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            amount INTEGER NOT NULL,
            status TEXT NOT NULL,
            import INTEGER NOT NULL REFERENCES imports (id),
            PRIMARY KEY (building, carrier, meter, start_s, end_s, revision)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE figures (
            building TEXT NOT NULL,
            carrier TEXT NOT NULL,
            period TEXT NOT NULL,
            revision INTEGER NOT NULL,
            wh INTEGER NOT NULL,
            hours INTEGER NOT NULL,
            estimated INTEGER NOT NULL,
            made_at_ms INTEGER NOT NULL,
            PRIMARY KEY (building, carrier, period, revision)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE answers (
            id INTEGER PRIMARY KEY,
            building TEXT NOT NULL,
            status TEXT NOT NULL,
            note TEXT NOT NULL,
            role TEXT NOT NULL,
            at_ms INTEGER NOT NULL
        ) STRICT;
        """,
    ),
    (
        "letters",
        """
        CREATE TABLE letters (
            what TEXT NOT NULL,
            due_s INTEGER NOT NULL,
            recipient TEXT NOT NULL,
            about TEXT NOT NULL,  -- the building, '' for a list
            at_ms INTEGER NOT NULL,
            PRIMARY KEY (what, due_s, recipient, about)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)


@dataclass(frozen=True, slots=True)
class Series:
    """Whose values: a meter of a building, or (carrier `temperature`) a temperature series."""

    building: str
    carrier: str
    meter: str


@dataclass(frozen=True, slots=True)
class Import:
    """What importing one series of a file came to."""

    series: Series
    new: int
    unchanged: int
    revised: list[Revised]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it was reported. `before_wh` is what the revision before it said, None for the first."""

    building: str
    carrier: str
    period: str
    revision: int
    wh: int
    hours: int
    estimated: int
    made_at_ms: int
    before_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What someone said about a building's deviation."""

    building: str
    status: str
    note: str
    role: str
    at_ms: int


class EnergyBook:
    """`read` it anywhere; `write` it in one process at a time."""

    def __init__(self, db: apsw.Connection, lock: IO[str] | None) -> None:
        self._db = db
        self._lock = lock

    @classmethod
    def read(cls, state: Path) -> Self | None:
        """Open the book in a state directory for reading; None where nothing was ever written.

        Raises StoreError.
        """
        path = state / FILE_NAME
        if not path.exists():
            return None
        try:
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            db.set_busy_timeout(5000)
            made = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'imports'").get
        except apsw.Error as error:
            raise Unreadable.of(path, error, HINT) from error
        if not made:  # it is being made just now
            db.close()
            return None
        return cls(db, None)

    @classmethod
    def write(cls, state: Path, now_ms: int) -> Self:
        """Open the book for writing, making it as needed. Raises StoreError, also while another writes."""
        path = state / FILE_NAME
        try:
            state.mkdir(parents=True, exist_ok=True)
            lock = path.with_suffix(".lock").open("a+")
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise StoreError(f"{path}: another command writes it just now. Try again.") from error
        try:
            db = apsw.Connection(str(path))
            db.set_busy_timeout(5000)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            migrate(db, now_ms, _MIGRATIONS)
        except (apsw.Error, NewerSchema) as error:
            lock.close()
            raise StoreError(f"{path}: cannot be opened: {error}. {HINT}") from error
        return cls(db, lock)

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Given series

    def take(
        self,
        values: Iterable[tuple[Series, Sequence[Given]]],
        file: str,
        sha256: str,
        source: str,
        now_ms: int,
    ) -> list[Import]:
        """Take in a file's values, all in one transaction; say what is new and what was revised."""
        outcomes = []
        with self._db:
            self._db.execute(
                "INSERT INTO imports (file, sha256, source, imported_at_ms) VALUES (?, ?, ?, ?)",
                (file, sha256, source, now_ms),
            )
            number = self._db.last_insert_rowid()
            for series, given in values:
                new, changed = compare(self.given(series), given)
                key = (series.building, series.carrier, series.meter)
                rows = [(*key, v.start_s, v.end_s, 1, v.amount, v.status, number) for v in new]
                for value, _ in changed:
                    at = (*key, value.start_s, value.end_s)
                    rows.append((*at, self._revision(at) + 1, value.amount, value.status, number))
                self._db.executemany("INSERT INTO given VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
                revised = [difference for _, difference in changed]
                outcomes.append(Import(series, len(new), len(given) - len(new) - len(changed), revised))
        return outcomes

    def _revision(self, at: tuple[str, str, str, int, int]) -> int:
        sql = (
            "SELECT max(revision) FROM given "
            "WHERE building = ? AND carrier = ? AND meter = ? AND start_s = ? AND end_s = ?"
        )
        return int(self._db.execute(sql, at).get)

    def series(self) -> list[Series]:
        """Return every series that was ever given."""
        rows = self._db.execute("SELECT DISTINCT building, carrier, meter FROM given ORDER BY 1, 2, 3")
        return [Series(*map(str, row)) for row in rows]

    def given(self, series: Series) -> list[Given]:
        """Return the newest revision of each value of a series, in order of time."""
        rows = self._db.execute(
            "SELECT start_s, end_s, amount, status, max(revision) FROM given "
            "WHERE building = ? AND carrier = ? AND meter = ? "
            "GROUP BY start_s, end_s ORDER BY start_s, end_s",
            (series.building, series.carrier, series.meter),
        )
        return [Given(start_s, end_s, amount, status) for start_s, end_s, amount, status, _ in rows]

    def sources(self, series: Series) -> list[str]:
        """Return who gave a series' values."""
        rows = self._db.execute(
            "SELECT DISTINCT source FROM given JOIN imports ON imports.id = given.import "
            "WHERE building = ? AND carrier = ? AND meter = ? ORDER BY source",
            (series.building, series.carrier, series.meter),
        )
        return [str(source) for (source,) in rows]

    # Reported figures

    def report(self, figures: Iterable[Figure]) -> list[Figure]:
        """Keep figures that are reported; return them with their revisions.

        One that says what the last revision said keeps its number; another one is the next revision.
        """
        kept = []
        with self._db:
            for figure in figures:
                last = self.figure(figure.building, figure.carrier, figure.period)
                if last is not None and last.wh == figure.wh:
                    kept.append(last)
                    continue
                revision = last.revision + 1 if last else 1
                row = (figure.building, figure.carrier, figure.period, revision)
                row2 = (figure.wh, figure.hours, figure.estimated, figure.made_at_ms)
                self._db.execute("INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, *row2))
                kept.append(Figure(*row, *row2, last.wh if last else None))
        return kept

    def figure(self, building: str, carrier: str, period: str) -> Figure | None:
        """Return a figure as it was last reported, with what it was before."""
        rows = self._db.execute(
            "SELECT * FROM figures WHERE building = ? AND carrier = ? AND period = ? "
            "ORDER BY revision DESC LIMIT 2",
            (building, carrier, period),
        ).fetchall()
        if not rows:
            return None
        before: Any = rows[1][4] if len(rows) > 1 else None
        newest: Any = (*rows[0], before)
        return Figure(*newest)

    # Letters

    def letter_sent(self, what: str, due_s: int, recipient: str, about: str, now_ms: int) -> None:
        """Write down that a letter that was due was sent."""
        row = (what, due_s, recipient, about, now_ms)
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO letters VALUES (?, ?, ?, ?, ?)", row)

    def letters_sent(self, what: str, due_s: int) -> set[tuple[str, str]]:
        """Return the (recipient, building) of what was sent for a due time."""
        sql = "SELECT recipient, about FROM letters WHERE what = ? AND due_s = ?"
        return {(str(recipient), str(about)) for recipient, about in self._db.execute(sql, (what, due_s))}

    # Deviations

    def answer(self, answer: Answer) -> None:
        """Write down what someone says about a building's deviation."""
        with self._db:
            self._db.execute(
                "INSERT INTO answers (building, status, note, role, at_ms) VALUES (?, ?, ?, ?, ?)",
                (answer.building, answer.status, answer.note, answer.role, answer.at_ms),
            )

    def answers(self) -> dict[str, Answer]:
        """Return the last answer about each building."""
        rows = self._db.execute("SELECT building, status, note, role, at_ms FROM answers ORDER BY id")
        return {row[0]: Answer(*row) for row in rows}
