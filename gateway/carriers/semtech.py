"""The datagrams of Semtech's packet forwarder ("PROTOCOL.TXT" of packet_forwarder, version 2). Pure.

A concentrator's forwarder pushes what it has heard and pulls what it is to send. The protocol has no
authentication of its own: everything from it is checked here, and what counts as ours is decided by the seal.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from gateway.model import Reception

VERSIONS = (1, 2)
PUSH_DATA, PUSH_ACK, PULL_DATA, PULL_RESP, PULL_ACK, TX_ACK = range(6)
WITH_EUI = (PUSH_DATA, PULL_DATA, TX_ACK)
HEAD = 4
EUI_SIZE = 8
PACKET_MAX = 255
RXPK_MAX = 64  # of one datagram: a concentrator has no more packets in its FIFO
TMST = 1 << 32
_DATR = re.compile(r"SF(5|6|7|8|9|10|11|12)BW(125|250|500)")


class Malformed(ValueError):
    """A datagram, or something in it, that is not what the protocol allows."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came from a forwarder. `eui` is the concentrator's, in hexadecimal."""

    kind: int
    token: bytes
    eui: str
    body: bytes


def read(raw: bytes) -> Datagram:
    """Return a datagram of a forwarder. Raises Malformed."""
    if len(raw) < HEAD + EUI_SIZE:
        raise Malformed("too short")
    if raw[0] not in VERSIONS:
        raise Malformed("another version of the protocol")
    if raw[3] not in WITH_EUI:
        raise Malformed("nothing a forwarder sends")
    return Datagram(raw[3], raw[1:3], raw[HEAD : HEAD + EUI_SIZE].hex(), raw[HEAD + EUI_SIZE :])


def acknowledgement(raw: bytes) -> bytes | None:
    """Return what a datagram is to be answered with at once, None for a TX_ACK."""
    answer = {PUSH_DATA: PUSH_ACK, PULL_DATA: PULL_ACK}.get(raw[3])
    return None if answer is None else raw[:3] + bytes((answer,))


def load(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body. Raises Malformed."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("no JSON") from error
    if not isinstance(found, dict):
        raise Malformed("no JSON object")
    return found


def packets(body: bytes) -> list[Any]:
    """Return the entries of `rxpk`, not looked at yet; none in a datagram that only has `stat`."""
    found = load(body).get("rxpk", [])
    if not isinstance(found, list) or len(found) > RXPK_MAX:
        raise Malformed("rxpk is no array, or too long")
    return found


def packet(entry: Any, eui: str) -> tuple[bytes, Reception]:
    """Return the frame in an entry of `rxpk` and how it was heard. Raises Malformed."""
    if not isinstance(entry, dict):
        raise Malformed("an entry of rxpk is no object")
    if entry.get("stat", 1) != 1:
        raise Malformed("no valid CRC")
    if entry.get("modu", "LORA") != "LORA":
        raise Malformed("not LoRa")
    rate = _DATR.fullmatch(entry["datr"]) if isinstance(entry.get("datr"), str) else None
    if rate is None:
        raise Malformed("no data rate")
    tmst = entry.get("tmst")
    if type(tmst) is not int or not 0 <= tmst < TMST:
        raise Malformed("no timestamp")
    try:
        frame = base64.b64decode(entry["data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Malformed("no data") from error
    if not 0 < len(frame) <= PACKET_MAX or entry.get("size", len(frame)) != len(frame):
        raise Malformed("not as long as it says")
    return frame, Reception(
        receiver=eui,
        rssi_dbm=round(_number(entry, "rssi", -200, 20)),
        snr_db=round(_number(entry, "lsnr", -60, 60), 2),
        ticks_us=tmst,
        frequency_khz=round(_number(entry, "freq", 100, 3000) * 1000),
        spreading_factor=int(rate[1]),
        bandwidth_khz=int(rate[2]),
    )


def _number(entry: dict[str, Any], key: str, low: float, high: float) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Malformed(f"{key} is no sane number")
    return float(value)


def pull_resp(
    token: bytes, frame: bytes, *, tmst: int, frequency_khz: int, sf: int, bandwidth_khz: int, power_dbm: int
) -> bytes:
    """Return the datagram that has a concentrator send `frame` when its clock shows `tmst`.

    With inverted IQ, so that nodes do not hear one another, and with a CRC.
    """
    txpk = {
        "imme": False,
        "tmst": tmst % TMST,
        "freq": frequency_khz / 1000,
        "rfch": 0,
        "powe": power_dbm,
        "modu": "LORA",
        "datr": f"SF{sf}BW{bandwidth_khz}",
        "codr": "4/5",
        "ipol": True,
        "ncrc": False,
        "size": len(frame),
        "data": base64.b64encode(frame).decode(),
    }
    return bytes((2,)) + token + bytes((PULL_RESP,)) + json.dumps({"txpk": txpk}).encode()


def tx_error(body: bytes) -> str | None:
    """Return why a concentrator did not send, None where it did. Raises Malformed."""
    if not body.strip(b"\0 \r\n"):
        return None
    ack = load(body).get("txpk_ack", {})
    error = ack.get("error", "NONE") if isinstance(ack, dict) else None
    if not isinstance(error, str) or not re.fullmatch(r"[A-Z_]{1,32}", error):
        raise Malformed("no reason in a TX_ACK")
    return None if error == "NONE" else error
