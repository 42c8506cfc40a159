"""Everything a gateway knows in open formats: CSV (RFC 4180, UTF-8), JSON, and the site's YAML as it is.

For whoever goes on with other software. Secrets are not in it.
"""

import csv
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import apsw
from ruamel.yaml import YAML

from device_configs.loader import load_site
from device_configs.model import Site
from gateway.model import StoredRecord
from gateway.readings import WrongSchema, readings
from gateway.store import STORE_NAME, Reader
from tools.installation.places import InstallError

PAGE = 10_000  # records
_FIXED = (
    "time_utc",
    "node",
    "epoch",
    "seq",
    "time_error_ms",
    "received_utc",
    "carrier",
    "rssi_dbm",
    "commit",
)
# Their content is in the files of records.
_SKIPPED = {"records", "chunks", "segments", "unknown_frames"}
_README = """\
Export of a Sensornett gateway, {made}

records/<node>.csv   every record the store still has: time in UTC, identity, values. The unit ends each
                     column's name (_mm, _cc = 1/100 °C, _mv, _ua, _w, _wh ...); whole numbers only; an empty
                     cell is a missing value, and <name>_quality says why (0: good).
records/other.csv    records of nodes or profiles the site does not have any more: raw values in a list
site/                the site's configuration as it was written (YAML), and as JSON
tables/<database>/   everything else: what was heard and lost, alerts and their history, what the database
                     refused; one CSV file per table, binary values in hexadecimal
"""


def export(data: Path, site_folder: Path, target: Path, now: datetime | None = None) -> dict[str, Any]:
    """Write the export into the new folder `target`; return how much is in it.

    Works beside a running gateway. Raises ConfigError, InstallError, StoreError, OSError.
    """
    site = load_site(site_folder)
    if not (data / STORE_NAME).exists():
        raise InstallError(f"{data}: there is no store here")
    try:
        target.mkdir(parents=True)
    except FileExistsError as error:
        raise InstallError(f"{target} is there already; nothing was written") from error
    (target / "README.txt").write_text(
        _README.format(made=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    )
    _write_site(site_folder, target / "site")
    count = _write_records(data / STORE_NAME, site, target / "records")
    tables = sum(_write_tables(database, target / "tables") for database in sorted(data.glob("*.db")))
    return {"folder": str(target), "records": count, "tables": tables}


def _write_site(folder: Path, target: Path) -> None:
    target.mkdir()
    found = {}
    for file in sorted(folder.glob("*.yaml")):
        shutil.copy(file, target / file.name)
        found[file.stem] = YAML(typ="safe").load(file)
    (target / "site.json").write_text(json.dumps(found, indent=1, default=str, ensure_ascii=False) + "\n")


def _write_records(store: Path, site: Site, folder: Path) -> int:
    folder.mkdir()
    nodes = {node.id: node for node in site.nodes}
    count = 0
    with Reader.open(store) as reader, ExitStack() as files:
        open_files: dict[str, TextIO] = {}

        def write(name: str, header: Iterator[str], row: list[object]) -> None:
            if name not in open_files:
                open_files[name] = files.enter_context((folder / name).open("w", newline=""))
                csv.writer(open_files[name]).writerow([*_FIXED, *header])
            csv.writer(open_files[name]).writerow(row)

        for record in _records(reader):
            count += 1
            node = nodes.get(record.node)
            try:
                found = readings(record, node) if node is not None else None
            except WrongSchema:
                found = None
            if node is None or found is None:
                row = [*_identity(record), record.schema_id, json.dumps(record.values)]
                write("other.csv", iter(("schema", "values", "quality")), [*row, json.dumps(record.quality)])
                continue
            values = {reading.key: reading.value for reading in found}
            quality = {reading.key: reading.quality for reading in found if not reading.calibrated}
            keys = node.profile.keys
            channels = [channel.key for channel in node.profile.channels]
            header = iter([*keys, *(f"{key}_quality" for key in channels)])
            cells = [*(values.get(key) for key in keys), *(int(quality[key]) for key in channels)]
            write(f"{record.node}.csv", header, [*_identity(record), *cells])
    return count


def _records(reader: Reader) -> Iterator[StoredRecord]:
    commit = 0
    while page := reader.after(commit, PAGE):
        yield from page
        commit = page[-1].commit


def _identity(record: StoredRecord) -> list[object]:
    return [
        _utc(record.measured_at_s), record.node, f"{record.epoch:08x}", record.seq, record.time_error_ms,
        _utc(record.received_at_ms // 1000), record.carrier, record.rssi_dbm, record.commit,
    ]  # fmt: skip


def _write_tables(database: Path, folder: Path) -> int:
    """Write every table of `database`; return how many."""
    db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.execute("BEGIN")  # all tables at one moment
        listed = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
        names = [name for (name,) in db.execute(listed) if name not in _SKIPPED]
        (folder / database.stem).mkdir(parents=True)
        for name in names:
            columns = [column for _, column, *_ in db.execute(f'PRAGMA table_info("{name}")')]
            with (folder / database.stem / f"{name}.csv").open("w", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerow(columns)
                for row in db.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a name from the schema
                    writer.writerow([cell.hex() if isinstance(cell, bytes) else cell for cell in row])
    finally:
        db.close()
    return len(names)


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
