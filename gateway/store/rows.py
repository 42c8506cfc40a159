"""Between the values of `gateway.model` and the columns of the store."""

import json
from dataclasses import astuple
from typing import Any

import cbor2

from gateway.model import Heard, NodeState, Record, RegisterEvent, StoredRecord

RECORD_COLUMNS = (
    "node, epoch, seq, measured_at_s, time_error_ms, received_at_ms, schema_id, vals, quality, "
    "carrier, rssi_dbm, snr_db, moved, receivers"
)
NODE_COLUMNS = (
    "node, key_check, highest, seen, welcomed, downlink_reserved, last_seen_ms, status_at_ms, status, life"
)

EVENT_COLUMNS = "node, clock, time_s, at_s, kind, before, after, registers, noted_at_ms"
INSERT_EVENT = f"INSERT OR IGNORE INTO register_events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608


def record_row(record: Record | StoredRecord, measured_at_s: int, moved: bool) -> tuple[Any, ...]:
    """Return `record` in the order of RECORD_COLUMNS."""
    return (
        record.node,
        record.epoch,
        record.seq,
        measured_at_s,
        record.time_error_ms,
        record.received_at_ms,
        record.schema_id,
        cbor2.dumps(record.values),
        bytes(record.quality) if any(record.quality) else None,
        record.carrier,
        record.rssi_dbm,
        record.snr_db,
        moved,
        cbor2.dumps([astuple(heard) for heard in record.receivers]) if record.receivers else None,
    )


def stored_record(row: tuple[Any, ...]) -> StoredRecord:
    """Return the record in a row of commit_no and RECORD_COLUMNS."""
    *head, packed, marks, carrier, rssi_dbm, snr_db, moved, by = row
    values = tuple(cbor2.loads(packed))
    quality = tuple(marks) if marks is not None else (0,) * len(values)
    receivers = () if by is None else tuple(Heard(*heard) for heard in cbor2.loads(by))
    return StoredRecord(*(*head, values, quality, carrier, rssi_dbm, snr_db, bool(moved), receivers))


def node_row(state: NodeState) -> tuple[Any, ...]:
    """Return `state` in the order of NODE_COLUMNS."""
    return (
        state.node,
        state.key_check,
        state.highest,
        state.seen.to_bytes(8, "big"),
        state.welcomed,
        state.downlink_reserved,
        state.last_seen_ms,
        state.status_at_ms,
        state.status,
        state.life,
    )


def node_state(row: tuple[Any, ...]) -> NodeState:
    """Return the state in a row of NODE_COLUMNS."""
    return NodeState(row[0], row[1], row[2], int.from_bytes(row[3], "big"), bool(row[4]), *row[5:10])


def event_row(event: RegisterEvent) -> tuple[Any, ...]:
    """Return `event` in the order of EVENT_COLUMNS."""
    return (
        event.node,
        event.clock,
        event.time_s,
        event.at_s,
        event.kind,
        event.before,
        event.after,
        json.dumps(event.registers),
        event.noted_at_ms,
    )


def register_event(row: tuple[Any, ...]) -> RegisterEvent:
    """Return the event in a row of EVENT_COLUMNS."""
    registers = tuple((channel, before, after) for channel, before, after in json.loads(row[7]))
    return RegisterEvent(*(*row[:7], registers, row[8]))
