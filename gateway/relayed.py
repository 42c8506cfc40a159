"""What passes between a gateway that heard a foreign frame and that frame's home. Pure.

Uplinks go there, answers come back, both as JSON. An uplink has the frame as it was, still sealed, and how it
was heard; an answer names the uplink by the start of its SHA-256, and is for its receive window. Whoever may
write to the topics can waste time with them, but neither read, forge nor acknowledge anything: the seal sees
to that.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from gateway.model import Downlink, Reception, Uplink
from wire.frame import FrameError, parse_header

PAYLOAD_MAX = 4096
FRAME_MAX = 255  # a packet by radio
RECEPTIONS_MAX = 16
TOKEN_SIZE = 8


class NotRelayed(ValueError):
    """A payload that is not what a relay sends."""


def topic(site: str, name: str, way: str) -> str:
    """Return the topic of a relay at the home site's broker, `way` "up" or "down"."""
    return f"sn/{site}/relay/{name}/{way}"


def token(frame: bytes) -> str:
    """Return what an answer names the uplink by."""
    return hashlib.sha256(frame).digest()[:TOKEN_SIZE].hex()


def pack_uplink(uplink: Uplink) -> bytes:
    """Return the payload that hands `uplink` on."""
    heard = [
        [r.receiver, r.rssi_dbm, r.snr_db, r.frequency_khz, r.spreading_factor, r.bandwidth_khz]
        for r in uplink.receptions[:RECEPTIONS_MAX]
    ]
    told = {"airtime_ms": uplink.airtime_ms, "answer_in_ms": uplink.answer_in_ms}
    return _dump({"frame": _text(uplink.frame), "heard": heard, **told})


def read_uplink(payload: bytes, name: str, now_ms: int) -> Uplink:
    """Return the uplink a relay called `name` handed on, which has just arrived. Raises NotRelayed."""
    told = _load(payload)
    frame = _bytes(told.get("frame"))
    heard = told.get("heard")
    if not 0 < len(frame) <= FRAME_MAX or not isinstance(heard, list) or not 0 < len(heard) <= RECEPTIONS_MAX:
        raise NotRelayed("no frame, or nobody who heard it")
    receptions = tuple(_reception(entry, name) for entry in heard)
    airtime_ms = _integer(told.get("airtime_ms"), 0, 10_000)
    answer_in_ms = _integer(told.get("answer_in_ms"), 0, 10_000)
    best = receptions[0]
    return Uplink(
        frame, now_ms, "lora", best.rssi_dbm, best.snr_db, receptions, airtime_ms, answer_in_ms, via=name
    )


def _reception(entry: object, name: str) -> Reception:
    if not isinstance(entry, list) or len(entry) != 6 or not isinstance(entry[0], str):
        raise NotRelayed("not how a frame is heard")
    receiver, rssi, snr, khz, sf, bw = entry
    if not receiver.isprintable() or len(receiver) > 64:
        raise NotRelayed("no name of a receiver")
    if isinstance(snr, bool) or not isinstance(snr, int | float) or not -60 <= snr <= 60:
        raise NotRelayed("no signal-to-noise ratio")
    return Reception(
        receiver=f"{name}/{receiver}",
        rssi_dbm=_integer(rssi, -200, 20),
        snr_db=float(snr),
        ticks_us=0,
        frequency_khz=_integer(khz, 100_000, 3_000_000),
        spreading_factor=_integer(sf, 5, 12),
        bandwidth_khz=_integer(bw, 7, 500),
    )


def pack_downlink(downlink: Downlink) -> bytes:
    """Return the payload that hands an answer back to the relay its uplink came by."""
    assert downlink.answers is not None
    told: dict[str, Any] = {"answers": token(downlink.answers.frame), "frame": _text(downlink.frame)}
    if downlink.short is not None:
        told["short"] = _text(downlink.short)
    return _dump({**told, "value": downlink.value})


def read_downlink(payload: bytes, waiting: Sequence[Uplink]) -> Downlink | None:
    """Return an answer to one of the uplinks that are `waiting`, None where it is to none of them.

    Raises NotRelayed.
    """
    told = _load(payload)
    frame, short = _bytes(told.get("frame")), told.get("short")
    less = None if short is None else _bytes(short)
    if not 0 < len(frame) <= FRAME_MAX or (less is not None and not 0 < len(less) <= FRAME_MAX):
        raise NotRelayed("no frame")
    try:
        node = parse_header(frame).node
    except FrameError as error:
        raise NotRelayed(str(error)) from error
    value = _integer(told.get("value"), 0, 2)
    answered = next((u for u in waiting if token(u.frame) == told.get("answers")), None)
    if answered is None:
        return None
    return Downlink(node, frame, answered, value, less)


def _dump(told: dict[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()


def _load(payload: bytes) -> dict[str, Any]:
    if len(payload) > PAYLOAD_MAX:
        raise NotRelayed("too large")
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise NotRelayed("no JSON") from error
    if not isinstance(told, dict):
        raise NotRelayed("no JSON object")
    return told


def _text(frame: bytes) -> str:
    return base64.b64encode(frame).decode()


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise NotRelayed("no data")
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error) as error:
        raise NotRelayed("no data") from error


def _integer(value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise NotRelayed("no sane number")
    return value
