"""The packet forwarder's datagrams as the protocol's own text shows them, and hostile ones."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers import semtech
from gateway.carriers.semtech import Malformed

EUI = bytes.fromhex("aa555a0000000101")
RXPK: dict[str, Any] = {
    "time": "2013-03-31T16:21:17.528002Z", "tmst": 3512348611, "chan": 2, "rfch": 0, "freq": 866.349812,
    "stat": 1, "modu": "LORA", "datr": "SF7BW125", "codr": "4/6", "rssi": -35, "lsnr": 5.1, "size": 32,
    "data": "-DS4CGaDCdG+48eJNM3Vai-zDpsR71Pn9CPA9uCON84".replace("-", "/") + "=",
}  # fmt: skip


def push(*entries: Any, version: int = 2) -> bytes:
    return bytes((version, 0x12, 0x34, 0)) + EUI + json.dumps({"rxpk": list(entries)}).encode()


def test_a_push() -> None:
    datagram = semtech.read(push(RXPK))
    assert (datagram.kind, datagram.eui) == (semtech.PUSH_DATA, EUI.hex())
    (entry,) = semtech.packets(datagram.body)
    frame, reception = semtech.packet(entry, datagram.eui)
    assert len(frame) == 32
    assert (reception.rssi_dbm, reception.snr_db, reception.ticks_us) == (-35, 5.1, 3512348611)
    assert (reception.frequency_khz, reception.spreading_factor, reception.bandwidth_khz) == (866350, 7, 125)
    assert semtech.acknowledgement(push(RXPK)) == bytes((2, 0x12, 0x34, 1))


def test_a_pull_and_its_answers() -> None:
    pull = bytes((2, 9, 8, 2)) + EUI
    assert semtech.read(pull).kind == semtech.PULL_DATA
    assert semtech.acknowledgement(pull) == bytes((2, 9, 8, 4))
    out = semtech.pull_resp(
        b"\1\2", b"frame", tmst=(1 << 32) + 5, frequency_khz=869525, sf=9, bandwidth_khz=125, power_dbm=14
    )
    assert out[:4] == bytes((2, 1, 2, 3))
    txpk = json.loads(out[4:])["txpk"]
    assert base64.b64decode(txpk["data"]) == b"frame"
    assert (txpk["tmst"], txpk["freq"], txpk["datr"], txpk["size"]) == (5, 869.525, "SF9BW125", 5)
    assert txpk["ipol"] is True


def test_whether_it_was_sent() -> None:
    assert semtech.tx_error(b"") is None
    assert semtech.tx_error(b'{"txpk_ack":{"error":"NONE"}}') is None
    assert semtech.tx_error(b'{"txpk_ack":{"error":"TOO_LATE"}}') == "TOO_LATE"
    for wrong in (b"{", b'{"txpk_ack":{"error":7}}', b'{"txpk_ack":{"error":"x\\n"}}', b'{"txpk_ack":[]}'):
        with pytest.raises(Malformed):
            semtech.tx_error(wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stat": -1}, "no valid CRC"),
        ({"stat": 0}, "no valid CRC"),
        ({"modu": "FSK", "datr": 50000}, "not LoRa"),
        ({"datr": "SF13BW125"}, "no data rate"),
        ({"datr": 9}, "no data rate"),
        ({"tmst": -1}, "no timestamp"),
        ({"tmst": True}, "no timestamp"),
        ({"tmst": 1 << 32}, "no timestamp"),
        ({"data": "!!!"}, "no data"),
        ({"data": None}, "no data"),
        ({"data": "", "size": 0}, "not as long"),
        ({"size": 31}, "not as long"),
        ({"rssi": "loud"}, "rssi"),
        ({"lsnr": 1e9}, "lsnr"),
        ({"freq": True}, "freq"),
    ],
)
def test_packets_that_can_not_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        semtech.packet({**RXPK, **changes}, "x")


@pytest.mark.parametrize("raw", [b"", b"\2\0\0\0", b"\3\0\0\0" + EUI, b"\2\0\0\3" + EUI])
def test_datagrams_of_no_forwarder(raw: bytes) -> None:
    with pytest.raises(Malformed):
        semtech.read(raw)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[" * 5000, b'{"rxpk":7}', b'{"rxpk":[' + b"0," * 99 + b"0]}", b"\xff"]
)
def test_bodies_of_no_forwarder(body: bytes) -> None:
    with pytest.raises(Malformed):
        semtech.packets(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(RXPK)), JSON))
def test_nothing_else_than_malformed_comes_out_of_any_entry(changes: dict[str, Any]) -> None:
    try:
        frame, _ = semtech.packet({**RXPK, **changes}, "x")
        assert 0 < len(frame) <= 255
    except Malformed:
        pass


@given(st.binary(max_size=80))
def test_nothing_else_than_malformed_comes_out_of_any_bytes(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        semtech.packets(semtech.read(raw).body)
