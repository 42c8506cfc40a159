"""Fetches the archive of a meter's registers from a board at its prompt, and writes it as a table."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from device_configs.model import Site
from hardware.virtual.archive_image import FOLDER, ArchivedHour, read_archive
from tools.node.remote import Board
from tools.node.trouble import Trouble

COLUMNS = ("time_utc", "clock", "clock_s", "meter")


def fetch(board: Board) -> list[ArchivedHour]:
    """Return the archive on the board, oldest hour first. Raises Trouble, also where there is none."""
    files = board.fetch(FOLDER)
    hours = read_archive({f"{FOLDER}/{name}": content for name, content in files.items()})
    if not hours:
        raise Trouble("no_archive", port=board.path)
    return hours


def write_table(out: TextIO, hours: Sequence[ArchivedHour], site: Site) -> None:
    """Write CSV: the registers by the keys of their channels, in Wh or varh as the meter shows them.

    What was kept before the node knew the time has the node's own clock (its id, its seconds) instead of UTC.
    `meter` tells one meter from another. Registers of a profile the site does not know are named by their
    position.
    """
    columns = sorted({(hour.schema, position) for hour in hours for position in hour.registers})
    names = [_name(site, schema, position) for schema, position in columns]
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*COLUMNS, *names])
    for hour in hours:
        if hour.clock:
            when: tuple[str | int, ...] = ("", hour.clock, hour.time_s)
        else:
            when = (datetime.fromtimestamp(hour.time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "", "")
        shown = [
            hour.registers.get(position, "") if schema == hour.schema else "" for schema, position in columns
        ]
        table.writerow([*when, hour.mark.hex() if hour.mark else "", *shown])


def _name(site: Site, schema: int, position: int) -> str:
    for profile in site.catalog.profiles.values():
        if profile.schema_id == schema:
            return profile.channels[position].key
    return f"schema{schema}_{position}"
