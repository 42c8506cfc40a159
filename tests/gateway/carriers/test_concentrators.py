"""Concentrators: duplicates become one uplink, answers find their window, and nothing hostile gets far."""

import base64
import json
import random
from typing import Any

import pytest

from device_configs.radio_schema import Lora
from gateway.carriers import semtech
from gateway.carriers.concentrators import CONCENTRATORS_MAX, Forwarders
from gateway.carriers.duty import Duty
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink, Uplink
from hardware.virtual.radio.timeline import Timeline
from tests.gateway.carriers.test_semtech import RXPK
from wire.frame import ACK_REQUESTED, DATA, pack_header

LORA = Lora(frequency_khz=869525, spreading_factor=9, bandwidth_khz=125, power_dbm=14)
ASKING = pack_header(DATA, ACK_REQUESTED, 11, 1) + bytes(20)


class Bench:
    def __init__(self) -> None:
        self.time = Timeline()
        self.uplinks: list[Uplink] = []
        self.out: list[tuple[bytes, tuple[str, int]]] = []
        self.duty = Duty(869_525, 125, lambda: int(self.time.monotonic_s()))

        now_s = self.time.monotonic_s
        self.forwarders = Forwarders(
            LORA,
            Receivers(LORA, self.duty, later=self.time.call_later, now_s=now_s, now_ms=self.time.utc_ms),
            deliver=self.uplinks.append,
            transmit=lambda datagram, address: self.out.append((datagram, address)),
            now_s=now_s,
        )

    def take(self, raw: bytes, port: int = 1) -> None:
        self.forwarders.datagram(raw, ("127.0.0.1", port))

    def pull(self, number: int) -> None:
        self.take(bytes((2, 0, 0, 2)) + number.to_bytes(8, "big"), number)

    def push(self, number: int, frame: bytes = ASKING, *, tmst: int = 1_000_000, snr: float = 5.0) -> None:
        data = base64.b64encode(frame).decode()
        entry = {**RXPK, "data": data, "size": len(frame), "tmst": tmst, "lsnr": snr, "datr": "SF9BW125"}
        self.take(bytes((2, 0, 0, 0)) + number.to_bytes(8, "big") + json.dumps({"rxpk": [entry]}).encode())

    def pass_s(self, seconds: float) -> None:
        self.time.run_until(self.time.monotonic_s() + seconds)

    def answer(self, uplink: Uplink, size: int = 40, value: int = 0) -> None:
        self.forwarders.send([Downlink(11, bytes(size), uplink, value)])

    def responses(self) -> list[tuple[dict[str, Any], int]]:
        return [
            (json.loads(raw[4:])["txpk"], address[1])
            for raw, address in self.out
            if raw[3] == semtech.PULL_RESP
        ]


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.pull(1)
    return found


def test_one_concentrator_keeps_nothing_waiting(bench: Bench) -> None:
    bench.push(1)
    (uplink,) = bench.uplinks
    assert (uplink.frame, uplink.rssi_dbm, uplink.snr_db, uplink.answer_in_ms) == (ASKING, -35, 5.0, 1000)


def test_what_several_heard_is_one_uplink_with_the_best_first(bench: Bench) -> None:
    bench.pull(2)
    bench.push(1, snr=-3)
    bench.push(2, snr=7, tmst=77)
    bench.push(1, snr=-3)
    assert bench.uplinks == []
    bench.pass_s(0.2)
    (uplink,) = bench.uplinks
    assert [r.snr_db for r in uplink.receptions] == [7, -3]
    assert uplink.snr_db == 7
    assert bench.forwarders.counts["dropped: repeated"] == 1
    bench.answer(uplink)
    ((txpk, to),) = bench.responses()
    assert (txpk["tmst"], txpk["freq"], txpk["datr"], to) == (1_000_077, 869.525, "SF9BW125", 2)


def test_the_window_is_right_when_the_clock_comes_round(bench: Bench) -> None:
    bench.push(1, tmst=(1 << 32) - 400_000)
    bench.answer(bench.uplinks[0])
    assert bench.responses()[0][0]["tmst"] == 600_000


def test_another_concentrator_answers_where_the_best_can_not(bench: Bench) -> None:
    bench.pull(2)
    bench.push(3, snr=9)  # heard, but it has never pulled: nothing reaches it
    bench.push(2, snr=1)
    bench.pass_s(0.2)
    bench.answer(bench.uplinks[0])
    assert [to for _, to in bench.responses()] == [2]


def test_two_answers_at_once_do_not_collide_in_one_transmitter(bench: Bench) -> None:
    bench.push(1, ASKING, tmst=1_000_000)
    bench.push(1, ASKING + b"2", tmst=1_100_000)
    bench.push(1, ASKING + b"3", tmst=1_400_000)
    for uplink in bench.uplinks:
        bench.answer(uplink)
    assert [txpk["tmst"] for txpk, _ in bench.responses()] == [2_000_000, 2_400_000]
    assert bench.forwarders.counts["not sent: another one is being sent"] == 1


def test_the_most_valuable_first(bench: Bench) -> None:
    bench.push(1, ASKING)
    bench.push(1, ASKING + b"2", tmst=1_100_000)
    one, two = bench.uplinks
    bench.forwarders.send([Downlink(11, b"ack", one, 0), Downlink(12, b"welcome", two, 2)])
    ((txpk, _),) = bench.responses()
    assert txpk["data"] == "d2VsY29tZQ=="


def test_nobody_is_answered_who_does_not_listen(bench: Bench) -> None:
    bench.push(1, pack_header(DATA, 0, 11, 1) + bytes(20))
    bench.answer(bench.uplinks[0])
    bench.forwarders.send([Downlink(11, b"x")])
    assert bench.responses() == []
    assert bench.forwarders.counts["not sent: nobody listens"] == 2


def test_too_late_is_not_sent(bench: Bench) -> None:
    bench.push(1)
    bench.pass_s(0.97)
    bench.answer(bench.uplinks[0])
    assert bench.forwarders.counts["not sent: too late"] == 1


def test_airtime_runs_out_for_acks_before_it_does_for_welcomes(bench: Bench) -> None:
    bench.duty.spend((1).to_bytes(8, "big").hex(), 253_000)
    bench.push(1)
    bench.answer(bench.uplinks[0])
    assert bench.forwarders.counts["not sent: no airtime"] == 1
    bench.answer(bench.uplinks[0], value=2)
    assert len(bench.responses()) == 1


def test_errors_of_the_transmitter_are_counted(bench: Bench) -> None:
    bench.take(bytes((2, 0, 0, 5)) + (1).to_bytes(8, "big") + b'{"txpk_ack":{"error":"COLLISION_PACKET"}}')
    bench.take(bytes((2, 0, 0, 5)) + (1).to_bytes(8, "big"))
    assert bench.forwarders.counts == {"not sent: COLLISION_PACKET": 1}


def test_a_concentrator_that_is_not_heard_of_is_not_connected(bench: Bench) -> None:
    before = bench.forwarders.connected
    bench.pass_s(61)
    assert (before, bench.forwarders.connected) == (True, False)
    bench.push(1)
    bench.answer(bench.uplinks[0])
    assert bench.forwarders.counts["not sent: no way to the concentrator"] == 1


def test_made_up_concentrators_take_no_memory_and_push_no_real_one_out(bench: Bench) -> None:
    for number in range(2, 5000):
        bench.pull(number)
    assert bench.forwarders.counts["dropped: too many concentrators"] == 5000 - 1 - CONCENTRATORS_MAX
    bench.push(1)
    bench.pass_s(1)
    assert len(bench.uplinks) == 1


def test_mutated_datagrams_are_dropped_and_counted(bench: Bench) -> None:
    draw = random.Random(7)
    good = bytes((2, 0, 0, 0)) + (1).to_bytes(8, "big") + json.dumps({"rxpk": [RXPK]}).encode()
    for _ in range(20_000):
        raw = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            raw[draw.randrange(len(raw))] = draw.randrange(256)
        bench.take(bytes(raw[: draw.randint(0, len(raw))] if draw.random() < 0.2 else raw))
        bench.out.clear()
        if draw.random() < 0.01:
            bench.pass_s(0.2)
    bench.pass_s(70)
    assert all(len(uplink.frame) == 32 for uplink in bench.uplinks)
    assert sum(n for cause, n in bench.forwarders.counts.items() if cause.startswith("dropped")) > 5_000
    assert len(bench.forwarders._receivers._merging) == 0
