"""Records as CSV: the integers that were measured, in the unit that ends each column's name. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from gateway.model import Reading, StoredRecord
from gateway.web.places import Place
from gateway.web.words import Words

_BOM = "\ufeff"  # without it Excel takes UTF-8 for something else
_FIXED = (
    "time_local",
    "time_utc",
    "node",
    "epoch",
    "seq",
    "time_error_ms",
    "received_utc",
    "carrier",
    "rssi_dbm",
)


def csv_lines(
    place: Place, records: Iterable[tuple[StoredRecord, Iterable[Reading]]], say: Words
) -> Iterator[str]:
    """Yield the header and one line for each record, with the quality code of each channel.

    Values are as they left the node and its calibration; a meter's factor has a column of its own.
    Norwegian Excel splits at semicolons, others at commas. All numbers are whole.
    """
    comma = ";" if say.language == "nb" else ","
    profile = place.node.profile
    channels = [channel.key for channel in profile.channels]
    names = [*_FIXED, *profile.keys, *(f"{key}_quality" for key in channels)]
    factor = [f"{place.factor:g}".replace(".", "," if comma == ";" else ".")] if place.factor != 1 else []
    if factor:
        names.append("meter_factor")
    yield _BOM + comma.join(names) + "\r\n"
    for record, readings in records:
        found = {reading.key: reading for reading in readings}
        cells: list[object] = [
            say.local(record.measured_at_s).strftime("%Y-%m-%d %H:%M:%S"),
            _utc(record.measured_at_s),
            record.node,
            f"{record.epoch:08x}",
            record.seq,
            record.time_error_ms,
            _utc(record.received_at_ms // 1000),
            record.carrier,
            record.rssi_dbm,
            *(found[key].value if key in found else None for key in profile.keys),
            *(found[key].quality if key in found else None for key in channels),
            *factor,
        ]
        yield comma.join("" if cell is None else str(cell) for cell in cells) + "\r\n"


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
