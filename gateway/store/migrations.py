"""The store's schema, as the steps that lead to it. A step is added, never changed.

Times of the gateway are UTC milliseconds, times of measurement UTC seconds. Blobs of `records`: `vals` is
the CBOR array of the values, `quality` one byte for each channel or NULL where all are ok,
`receivers` the CBOR array of [receiver, RSSI, SNR, spreading factor], the best first, or NULL.
"""

import apsw

APPLICATION_ID = 0x534E5354  # "SNST", in the file's header: what `file` and SQLite tools see

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "first",
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE records (
            -- AUTOINCREMENT: a number is never used again, so cursors stay true after rows are removed
            commit_no INTEGER PRIMARY KEY AUTOINCREMENT,
            node INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            measured_at_s INTEGER NOT NULL,
            time_error_ms INTEGER NOT NULL,
            received_at_ms INTEGER NOT NULL,
            schema_id INTEGER NOT NULL,
            vals BLOB NOT NULL,
            quality BLOB,
            carrier TEXT NOT NULL,
            rssi_dbm INTEGER,
            snr_db REAL,
            moved INTEGER NOT NULL,
            UNIQUE (node, measured_at_s)
        ) STRICT;

        CREATE TABLE heard (
            node INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (node, epoch, first)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE losses (
            node INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            cause TEXT NOT NULL,
            noted_at_ms INTEGER NOT NULL,
            PRIMARY KEY (node, epoch, first)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE epochs (
            id INTEGER PRIMARY KEY,  -- in the order in which they were last introduced
            node INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            introduced_at_ms INTEGER NOT NULL,
            next_seq INTEGER NOT NULL,
            since INTEGER NOT NULL,
            UNIQUE (node, epoch)
        ) STRICT;

        CREATE TABLE nodes (
            node INTEGER PRIMARY KEY,
            key_check BLOB NOT NULL,
            highest INTEGER NOT NULL,
            seen BLOB NOT NULL,
            welcomed INTEGER NOT NULL,
            downlink_reserved INTEGER NOT NULL,
            last_seen_ms INTEGER NOT NULL,
            status_at_ms INTEGER,
            status TEXT NOT NULL
        ) STRICT;

        CREATE TABLE anchors (
            node INTEGER NOT NULL,
            clock INTEGER NOT NULL,
            clock_ms INTEGER NOT NULL,
            utc_ms INTEGER NOT NULL,
            error_ms INTEGER NOT NULL,
            PRIMARY KEY (node, clock, clock_ms)
        ) STRICT, WITHOUT ROWID;

        -- node -1: nobody who has a key here
        CREATE TABLE refusals (
            cause TEXT NOT NULL,
            node INTEGER NOT NULL,
            count INTEGER NOT NULL,
            last_at_ms INTEGER NOT NULL,
            PRIMARY KEY (cause, node)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE unknown_frames (
            id INTEGER PRIMARY KEY,
            frame BLOB NOT NULL,
            received_at_ms INTEGER NOT NULL,
            carrier TEXT NOT NULL,
            rssi_dbm INTEGER,
            snr_db REAL
        ) STRICT;
        """,
    ),
    (
        "sealed chunks",
        """
        -- A segment is the records first_commit..last_commit, as the chunks first_chunk..last_chunk.
        CREATE TABLE segments (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            first_commit INTEGER NOT NULL,
            last_commit INTEGER NOT NULL,
            first_chunk INTEGER NOT NULL,
            last_chunk INTEGER NOT NULL,
            count INTEGER NOT NULL,
            sealed_at_ms INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX segments_by_commit ON segments (last_commit);

        CREATE TABLE chunks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            schema_id INTEGER NOT NULL,
            count INTEGER NOT NULL,
            first_s INTEGER NOT NULL,
            last_s INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE INDEX chunks_by_time ON chunks (node, last_s, first_s);

        -- Stored records that were taken out again to make room: after sync had them, or before ('cap').
        CREATE TABLE pruned (
            node INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            cause TEXT NOT NULL,
            pruned_at_ms INTEGER NOT NULL,
            PRIMARY KEY (node, epoch, first)
        ) STRICT, WITHOUT ROWID;

        -- Commit numbers that sync has settled, as it last said.
        CREATE TABLE synced (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
        """,
    ),
    (
        "days of the ledger",
        """
        -- A node's day (UTC) as it was reconciled. Late records make a revision, which says what it added.
        CREATE TABLE ledger_days (
            node INTEGER NOT NULL,
            day_s INTEGER NOT NULL,
            heard INTEGER NOT NULL,
            missing INTEGER NOT NULL,
            lost TEXT NOT NULL,          -- JSON: records by cause
            revision INTEGER NOT NULL,
            heard_since INTEGER NOT NULL, -- more than in the revision before
            closed_at_ms INTEGER NOT NULL,
            PRIMARY KEY (node, day_s)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    ("who heard it by radio", "ALTER TABLE records ADD COLUMN receivers BLOB;"),
    (
        "events of registers",
        """
        -- What nodes say happened to their meters' registers. The same is said again: it counts once.
        CREATE TABLE register_events (
            node INTEGER NOT NULL,
            clock INTEGER NOT NULL,       -- 0: time_s is UTC, else the node's clock with this id
            time_s INTEGER NOT NULL,
            at_s INTEGER NOT NULL,
            kind TEXT NOT NULL,
            before BLOB,                  -- the meter's mark
            after BLOB,
            registers TEXT NOT NULL,      -- JSON: [[channel, before, after], ...]
            noted_at_ms INTEGER NOT NULL,
            PRIMARY KEY (node, clock, time_s, kind)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    ("lives of a node's key", "ALTER TABLE nodes ADD COLUMN life INTEGER NOT NULL DEFAULT 0;"),
)


class NewerSchema(Exception):
    """The database was written by a newer version of the gateway."""


def migrate(db: apsw.Connection, now_ms: int, migrations: tuple[tuple[str, str], ...] = MIGRATIONS) -> int:
    """Bring `db` to the newest schema; return how many steps that took.

    Each step and the record of it are one transaction: a crash between two leaves a database that the
    next start takes further. Raises NewerSchema, leaving the database as it is.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT"
    )
    done: int = db.execute("SELECT coalesce(max(version), 0) FROM migrations").get
    if done > len(migrations):
        raise NewerSchema(f"schema version {done}, this gateway knows {len(migrations)}")
    for version, (name, sql) in enumerate(migrations[done:], done + 1):
        with db:
            db.execute(sql)
            db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (version, name, now_ms))
    return len(migrations) - done
