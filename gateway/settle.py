"""From a decoded batch to records whose time of measurement is settled, once and for good. Pure."""

from collections.abc import Sequence

from gateway.clock import UTC_ERROR_MS, correction_s, place
from gateway.model import Anchor, Heard, Record, Uplink
from wire.records import Batch


def settle(
    batch: Batch, uplink: Uplink, node: int, epoch: int, anchors: Sequence[Anchor], *, trusted: bool
) -> list[Record] | None:
    """Return the records of `batch`; None where its times are on a clock without `anchors`.

    Times that are plainly wrong are corrected if the gateway's clock is `trusted`; such records say so in
    `moved`, and in their error.
    """
    if batch.clock is None:
        placed = [(record.time, UTC_ERROR_MS) for record in batch.records]
    elif anchors:
        found = [place(record.time * 1000, anchors) for record in batch.records]
        placed = [(at.utc_ms // 1000, at.error_ms) for at in found]
    else:
        return None
    received_at_ms = uplink.received_at_ms
    receivers = tuple(Heard(r.receiver, r.rssi_dbm, r.snr_db, r.spreading_factor) for r in uplink.receptions)
    shift_s = correction_s([at_s for at_s, _ in placed], received_at_ms) if trusted else 0
    return [
        Record(
            node,
            epoch,
            record.seq,
            at_s + shift_s,
            error_ms + abs(shift_s) * 1000,
            received_at_ms,
            batch.schema,
            record.values,
            record.quality,
            uplink.carrier,
            uplink.rssi_dbm,
            uplink.snr_db,
            shift_s != 0,
            receivers,
        )
        for record, (at_s, error_ms) in zip(batch.records, placed, strict=True)
    ]


def runs_ahead(batch: Batch, received_at_ms: int) -> bool:
    """Whether the node's idea of UTC is visibly ahead, so that it should be told the time."""
    return batch.clock is None and batch.records[-1].time * 1000 > received_at_ms + UTC_ERROR_MS
