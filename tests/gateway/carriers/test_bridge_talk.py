"""Both ends of the bridge's cable, the firmware's own on CPython, and what can happen between them."""

import random
import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import node.bridge
from gateway.carriers.bridge_talk import REVIVE_S, SILENT_S, Talk
from gateway.carriers.duty import Duty
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink, Uplink
from hardware.virtual.radio.timeline import Timeline
from tests.gateway.carriers.test_concentrators import ASKING, LORA
from wire import bridge as cable
from wire.airtime import airtime_ms


class Packet(bytearray):
    rssi, snr = -101, -22


class Modem:
    """A radio that hears what is put into `air` and keeps what it sent, with the time it began."""

    def __init__(self, time: Timeline) -> None:
        self._time = time
        self.air: list[bytes] = []
        self.sent: list[tuple[float, bytes]] = []
        self.crc_errors = 0
        self.listens: dict[str, Any] = {}
        self.broken = False
        self._packet = b""

    def standby(self) -> None:
        if self.broken:
            raise OSError("radio")

    def configure(self, config: dict[str, Any]) -> None:
        self.listens |= config

    def start_recv(self, timeout_ms: None, continuous: bool) -> None:
        assert continuous

    def irq_triggered(self) -> bool:
        return bool(self.air)

    def poll_recv(self) -> Packet | bool:
        return Packet(self.air.pop(0)) if self.air else True

    def prepare_send(self, packet: bytes) -> None:
        self._packet = packet

    def start_send(self) -> None:
        self.sent.append((self._time.monotonic_s(), self._packet))

    def poll_send(self) -> int:
        return 1


class Airtime:
    spare = 10**6

    def spend(self, band: int, now_s: int, ms: int) -> None:
        if ms > self.spare:
            raise ValueError
        self.spare -= ms

    def spare_ms(self, band: int, now_s: int) -> int:
        return self.spare

    def refill(self, now_s: int) -> None:
        pass


class Ends:
    """Gateway and bridge. `harm(content)` returns what arrives of it."""

    def __init__(self) -> None:
        self.time = Timeline()
        self.modem, self.airtime = Modem(self.time), Airtime()
        self.uplinks: list[Uplink] = []
        self.answering = False
        self.up, self.down = bytearray(), bytearray()
        self.harm = lambda content: content
        self.said: list[bytes] = []
        self.boots = 0
        self.bridge: Any = self.start_bridge()
        self.talk = self.start_gateway()

    def start_bridge(self) -> Any:
        self.boots += 1
        make: Any = node.bridge.Bridge
        return make(
            self.open_modem, self.airtime, lambda: int(self.time.monotonic_s()), lambda: None,
            self.up.extend, self.boots, b"bridge 1", 1,
        )  # fmt: skip

    def open_modem(self, config: dict[str, Any]) -> Modem:
        self.modem.configure(config)
        return self.modem

    def start_gateway(self) -> Talk:
        receivers = Receivers(
            LORA,
            Duty(869_525, 125, lambda: int(self.time.monotonic_s())),
            later=lambda seconds, call: self.time.call_later(seconds, call),
            now_s=self.time.monotonic_s,
            now_ms=self.time.utc_ms,
        )
        self.receivers = receivers
        talk = Talk(
            LORA, receivers, deliver=self.deliver, write=self._down,
            now_s=self.time.monotonic_s, now_ms=self.time.utc_ms,
        )  # fmt: skip
        talk.opened()
        return talk

    def deliver(self, uplink: Uplink) -> None:
        self.uplinks.append(uplink)
        if self.answering:
            self.receivers.send(self.talk, [Downlink(11, uplink.frame[-1:] * 4, uplink)])

    def _down(self, content: bytes) -> None:
        self.said.append(content)
        self.down += content

    def pass_s(self, seconds: float) -> None:
        end_s = self.time.monotonic_s() + seconds
        while self.time.monotonic_s() < end_s:
            self.time.run_until(self.time.monotonic_s() + 0.01)
            harm: Any = self.harm
            down, self.down[:] = harm(bytes(self.down)), b""
            self.bridge.received(down)
            self.bridge.turn()
            up, self.up[:] = harm(bytes(self.up)), b""
            self.talk.received(up)
            self.talk.tick()


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    return made(monkeypatch)


def made(monkeypatch: pytest.MonkeyPatch) -> Ends:
    holder: list[Ends] = []

    def ticks_ms() -> int:
        return int(holder[0].time.monotonic_s() * 1000) & (1 << 30) - 1 if holder else 0

    def ticks_diff(end: int, start: int) -> int:
        return (end - start + (1 << 29) & (1 << 30) - 1) - (1 << 29)

    def sleep_ms(ms: int) -> None:
        holder[0].time.run_until(holder[0].time.monotonic_s() + ms / 1000)

    fake = SimpleNamespace(ticks_ms=ticks_ms, ticks_diff=ticks_diff, sleep_ms=sleep_ms)
    monkeypatch.setattr(node.bridge, "time", fake)
    found = Ends()
    holder.append(found)
    return found


def test_a_bridge_is_found_and_set_up(ends: Ends) -> None:
    ends.pass_s(0.2)
    assert ends.talk.connected
    assert ends.talk.receiver == b"bridge 1".hex()
    assert ends.modem.listens == {
        "freq_khz": LORA.frequency_khz, "sf": LORA.spreading_factor, "bw": 125, "invert_iq_tx": True,
    }  # fmt: skip


def test_an_answer_begins_when_the_node_listens(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.modem.air.append(ASKING)
    heard_s = ends.time.monotonic_s()
    ends.pass_s(0.1)
    (uplink,) = ends.uplinks
    assert (uplink.rssi_dbm, uplink.snr_db) == (-101, -5.5)
    ends.receivers.send(ends.talk, [Downlink(11, b"answer", uplink)])
    ends.pass_s(2)
    ((began_s, packet),) = ends.modem.sent
    assert packet == b"answer"
    assert heard_s + 1 <= began_s <= heard_s + 1.03
    assert ends.modem.listens["sf"] == LORA.spreading_factor
    assert ends.modem.listens["freq_khz"] == LORA.frequency_khz, "it listens to nodes again"


@given(st.integers(0, 2**32), st.sampled_from(["flips", "losses", "chatter", "nothing for a while"]))
@settings(max_examples=25, deadline=None)
def test_over_a_bad_cable_each_packet_comes_once_and_each_command_is_done_once(seed: int, kind: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        ends = made(monkeypatch)
        dice = random.Random(seed)

        def harm(content: bytes) -> bytes:
            if kind == "flips":
                return bytes(b ^ 1 << dice.randrange(8) if dice.random() < 0.01 else b for b in content)
            if kind == "losses":
                return bytes(b for b in content if dice.random() > 0.01)
            if kind == "chatter":
                return dice.randbytes(dice.randrange(30)) + content if content else b""
            return b"" if ends.time.monotonic_s() % 10 < 4 else content

        ends.harm, ends.answering = harm, True
        ends.pass_s(10)
        frames = [ASKING + bytes((i,)) for i in range(20)]
        for frame in frames:
            ends.modem.air.append(frame)
            ends.pass_s(1 + dice.random())
        ends.harm = lambda content: content
        ends.pass_s(40)
        assert [uplink.frame for uplink in ends.uplinks] == frames
        sent = [packet for _, packet in ends.modem.sent]
        assert len(set(sent)) == len(sent)
        assert sent == sorted(sent)
        counts = ends.talk.counts
        told = sum(n for cause, n in counts.items() if cause.startswith("not sent"))
        # An answer that was lost on the way back is told as not sent, and yet was.
        assert len(frames) - told <= len(sent) <= counts["downlinks"]
        assert counts["bridge: sent"] == len(sent)


@given(st.lists(st.binary(max_size=100), max_size=60))
@settings(max_examples=40, deadline=None)
def test_nothing_on_the_cable_breaks_either_end(pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        ends = made(monkeypatch)
        for i, piece in enumerate(pieces):
            for content in (piece, cable.line(piece[0] if piece else 0, i, piece[1:])):
                ends.talk.received(content)
                ends.bridge.received(content)
            ends.pass_s(0.02)
        ends.pass_s(30)
        assert ends.talk.connected


def test_a_bridge_that_starts_anew_is_set_up_again_though_its_hello_is_lost(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.bridge = ends.start_bridge()
    ends.up.clear()
    ends.pass_s(8)
    ends.modem.air.append(ASKING)
    ends.pass_s(1)
    assert [uplink.frame for uplink in ends.uplinks] == [ASKING]
    assert ends.talk.counts["bridge starts"] == 2


def test_a_gateway_that_starts_anew_gets_what_waits_with_its_age(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.harm = lambda content: b""
    ends.modem.air.append(ASKING)
    ends.pass_s(20)
    ends.harm = lambda content: content
    ends.talk.closed()
    ends.talk = ends.start_gateway()
    ends.pass_s(6)
    (uplink,) = ends.uplinks
    assert ends.time.utc_ms() - uplink.received_at_ms == pytest.approx(26_000, abs=100)
    ends.receivers.send(ends.talk, [Downlink(11, b"answer", uplink)])
    assert ends.talk.counts["not sent: too late"] == 1


def test_too_many_packets_are_counted_and_the_newest_kept(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.harm = lambda content: b""
    for i in range(40):
        ends.modem.air.append(ASKING + bytes((i,)))
        ends.pass_s(0.02)
    ends.harm = lambda content: content
    ends.pass_s(20)
    assert [uplink.frame[-1] for uplink in ends.uplinks] == list(range(8, 40))
    assert ends.talk.counts["bridge: lost: too many held"] == 8
    assert ends.talk.counts["bridge: heard"] == 40


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"boot": 9}, cable.OTHER_BOOT),
        ({"at": 10_000}, cable.TOO_LATE),
        ({"at": 25_000_000}, cable.BAD),
        ({"khz": 869_300}, cable.BAD),
        ({"sf": 13}, cable.BAD),
        ({"bw": 60}, cable.BAD),
        ({"packet": b""}, cable.BAD),
        ({"spare": 50}, cable.NO_AIRTIME),
        ({}, cable.DONE_WELL),
    ],
)
def test_what_a_bridge_refuses(ends: Ends, body: dict[str, Any], outcome: int) -> None:
    ends.pass_s(0.2)
    ends.airtime.spare = body.get("spare", 10**6)
    ends.up.clear()
    clock = (ends.bridge._clock() + body.get("at", 1_000_000)) & 0xFFFFFFFF
    head = struct.pack(
        cable.SEND_BODY,
        body.get("boot", 1),
        clock,
        body.get("khz", 869_525),
        body.get("sf", 9),
        body.get("bw", 125),
        14,
    )
    ends.bridge.received(cable.line(cable.SEND, 7, head + body.get("packet", bytes(20))))
    assert cable.Lines().feed(bytes(ends.up)) == [(cable.DONE, 7, bytes((outcome,)))]


def test_what_is_said_twice_is_done_once_and_what_overlaps_is_refused(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.up.clear()
    outcomes = []
    for number, ahead_ms in ((1, 1000), (1, 1000), (2, 1000 + airtime_ms(20, 9) // 2), (3, 3000)):
        clock = ends.bridge._clock() + ahead_ms * 1000
        head = struct.pack(cable.SEND_BODY, 1, clock, 869_525, 9, 125, 14)
        ends.bridge.received(cable.line(cable.SEND, number, head + bytes(20)))
    outcomes = [body[0] for _, _, body in cable.Lines().feed(bytes(ends.up))]
    assert outcomes == [cable.DONE_WELL, cable.DONE_WELL, cable.BUSY, cable.DONE_WELL]
    ends.pass_s(5)
    assert len(ends.modem.sent) == 2


def test_a_radio_that_fails_is_started_anew_and_told(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.modem.broken = True
    ends.bridge._tuned = False
    ends.pass_s(1)
    assert not ends.talk.connected
    assert ends.talk.hindrance(b"bridge 1".hex()) == "the bridge has no radio"
    ends.modem.broken = False
    ends.pass_s(10)
    assert ends.talk.hindrance(b"bridge 1".hex()) is None
    assert ends.talk.counts["bridge: radio restarted"] >= 1


def test_another_version_is_counted_and_not_used(ends: Ends) -> None:
    body = struct.pack(cable.HELLO_BODY, cable.VERSION + 1, 1, cable.TAKES, b"bridge 1", 1)
    ends.talk.received(cable.line(cable.HELLO, 1, body))
    assert ends.talk.counts["another version of the bridge's program"] == 1
    assert not ends.talk.connected


def test_a_board_at_its_prompt_is_started_again(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.harm = lambda content: b""
    ends.pass_s(SILENT_S + REVIVE_S)
    assert any(content.endswith(b"\x03\x04") for content in ends.said)
    assert not ends.talk.connected


def test_what_is_too_long_for_the_cable_is_counted(ends: Ends) -> None:
    ends.pass_s(0.2)
    ends.modem.air.append(ASKING)
    ends.pass_s(0.1)
    ends.receivers.send(ends.talk, [Downlink(11, bytes(cable.SENDABLE + 1), ends.uplinks[0])])
    assert ends.talk.counts["not sent: too long for the cable"] == 1
    ends.pass_s(2)
    ends.modem.air.append(ASKING + b"2")
    ends.pass_s(0.1)
    ends.receivers.send(ends.talk, [Downlink(11, b"gone", ends.uplinks[1])])
    ends.talk.closed()
    assert ends.talk.counts["not sent: the bridge is gone"] == 1
