"""The stream gauge of the benchmarks: the recording of Trout Creek as six channels of a node."""

import csv
import math
from datetime import UTC, datetime
from pathlib import Path

from wire.quantities import MISSING, OK
from wire.records import Record

RECORDING = Path(__file__).parents[1] / "data" / "stream_trout_creek_5min.csv"
SCHEMA = 2
CHANNELS = ("distance_mm", "water_cc", "air_cc", "battery_mv", "pitch_cdeg", "roll_cdeg")
QUANTITIES = (2, 3, 3, 4, 5, 5)
# Column of the recording and units of the wire in one of its own. Water and air are the logger's two board
# temperatures; all are as recorded, noise included.
_COLUMNS = ((6, 10), (3, 100), (4, 100), (5, 1000), (7, 100), (8, 100))
FIRST_SEQ = 70_000  # a node that has reported for most of a year: three bytes on the wire


def gauge_records() -> list[Record]:
    """Return one record for each row of the recording. What the logger wrote as nan is a missing value."""
    records: list[Record] = []
    with RECORDING.open(encoding="ascii", newline="") as file:
        for row in csv.reader(file):
            if not row[0][:4].isdigit():
                continue  # the logger's own header
            moment = datetime.strptime(row[0], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
            numbers = [float(row[column]) * scale for column, scale in _COLUMNS]
            values = tuple(round(n) if math.isfinite(n) else None for n in numbers)
            quality = tuple(MISSING if value is None else OK for value in values)
            records.append(Record(FIRST_SEQ + len(records), int(moment.timestamp()), values, quality))
    return records
