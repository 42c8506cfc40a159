"""The virtual packet forwarder's datagrams, against the protocol's own text."""

import base64
import json

from hardware.virtual.radio.forwarder import Protocol
from hardware.virtual.radio.medium import Antenna, Medium, Modulation
from hardware.virtual.radio.timeline import Timeline

EUI = bytes.fromhex("aa555a0000000101")


class Wire(Protocol):
    def __init__(self) -> None:
        self.time = Timeline()
        self.medium = Medium(self.time, fading_db=0, shadow_db=0)
        self.out: list[bytes] = []
        super().__init__(EUI, self.medium)

    def transmit(self, datagram: bytes) -> None:
        self.out.append(datagram)


def test_what_is_heard_is_pushed() -> None:
    wire = Wire()
    Antenna("n", wire.medium, (400, 0)).send(Modulation(868_100, 7), b"hello", 14)
    wire.time.run_until(1)
    (push,) = wire.out
    assert (push[0], push[3], push[4:12]) == (2, 0, EUI)
    (rxpk,) = json.loads(push[12:])["rxpk"]
    assert base64.b64decode(rxpk["data"]) == b"hello"
    assert (rxpk["freq"], rxpk["datr"], rxpk["size"], rxpk["stat"], rxpk["chan"]) == (
        868.1,
        "SF7BW125",
        5,
        1,
        5,
    )


def test_a_downlink_is_sent_and_confirmed_or_refused_with_a_reason() -> None:
    wire = Wire()
    txpk = {"imme": False, "tmst": 300_000, "freq": 869.525, "powe": 14, "datr": "SF9BW125", "ipol": True,
            "size": 2, "data": base64.b64encode(b"hi").decode()}  # fmt: skip
    for _ in range(2):
        wire.datagram(b"\x02\x07\x08\x03" + json.dumps({"txpk": txpk}).encode())
    bodies = [json.loads(raw[12:]) for raw in wire.out]
    assert [raw[:4] for raw in wire.out] == [b"\x02\x07\x08\x05"] * 2
    assert [body["txpk_ack"]["error"] for body in bodies] == ["NONE", "COLLISION_PACKET"]
    wire.time.run_until(1)
    assert wire.concentrator.sent == 1


def test_pulls_and_acknowledgements() -> None:
    wire = Wire()
    wire.pull()
    assert (wire.out[0][3], wire.out[0][4:]) == (2, EUI)
    wire.datagram(b"\x02\x00\x00\x04")
    wire.datagram(b"\x02\x00\x00\x01")
    assert wire.acknowledged == 2
