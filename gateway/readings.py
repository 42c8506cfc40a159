"""From a stored record to its readings: the raw values, and what the calibrations make of them. Pure.

Nothing calibrated is stored, so a wrong zero is put right by a new revision, for the past too.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from device_configs.model import Node
from device_configs.schema import Channel
from device_configs.site_schema import Calibration
from gateway.model import Reading, StoredRecord
from wire.quantities import BY_NAME


class WrongSchema(ValueError):
    """The record was made under another profile than the one its node has now."""


def readings(record: StoredRecord, node: Node) -> list[Reading]:
    """Return the readings of `record`, raw ones first, in the order of the profile's channels.

    A calibrated reading is left out where no calibration was valid yet when the record was measured, and
    has the quality of its raw value. Raises WrongSchema.
    """
    profile = node.profile
    if record.schema_id != profile.schema_id or len(record.values) != len(profile.channels):
        raise WrongSchema(
            f"node {record.node}: record {record.seq} has schema {record.schema_id} with "
            f"{len(record.values)} values; the profile `{profile.name}` of the node has schema "
            f"{profile.schema_id} with {len(profile.channels)}. Give the node the profile it reported with."
        )
    raw, calibrated = [], []
    for channel, value, quality in zip(profile.channels, record.values, record.quality, strict=True):
        quantity = BY_NAME[channel.quantity]
        raw.append(Reading(channel.key, value, quantity.unit, quantity.scale, quality))
        if channel.derived is None:
            continue
        valid = calibration_at(node.calibration, channel, record.measured_at_s)
        if valid is not None:
            derived = BY_NAME[channel.derived.quantity]
            result = None if value is None else apply(valid, value)
            calibrated.append(
                Reading(
                    channel.derived.name, result, derived.unit, derived.scale, quality, True, valid.revision
                )
            )
    return raw + calibrated


def calibration_at(
    calibrations: Sequence[Calibration], channel: Channel, measured_at_s: int
) -> Calibration | None:
    """Return the calibration of `channel` that counts: of those valid at the time, the highest revision."""
    starts, valid = timeline(tuple(calibrations), channel.name)
    i = bisect_right(starts, measured_at_s)
    return valid[i - 1] if i else None


@lru_cache(maxsize=4096)
def timeline(calibrations: tuple[Calibration, ...], name: str) -> tuple[list[float], list[Calibration]]:
    """Return since when (UTC seconds, ascending) which calibration of the channel counts."""
    starts: list[float] = []
    valid: list[Calibration] = []
    of_channel = (c for c in calibrations if c.channel == name)
    for calibration in sorted(of_channel, key=lambda c: (c.valid_from, c.revision)):
        if not valid or calibration.revision > valid[-1].revision:
            starts.append(calibration.valid_from.timestamp())
            valid.append(calibration)
    return starts, valid


def apply(calibration: Calibration, raw: int) -> int:
    """Return the calibrated value of `raw`: on the line through the two points, to the nearest integer."""
    rise = (raw - calibration.raw0) * (calibration.value1 - calibration.value0)
    run = calibration.raw1 - calibration.raw0
    return calibration.value0 + (2 * rise + run) // (2 * run)


def apply_to_column(calibration: Calibration, column: Iterable[int | None]) -> list[int | None]:
    """Return `apply` of each value of `column`, quicker."""
    raw0, value0 = calibration.raw0, calibration.value0
    double_rise = 2 * (calibration.value1 - value0)
    run = calibration.raw1 - raw0
    double_run = 2 * run
    return [
        None if raw is None else value0 + ((raw - raw0) * double_rise + run) // double_run for raw in column
    ]
