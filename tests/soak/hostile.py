"""100 000 mutated, replayed and forged frames and datagrams, with honest ones between them.

The honest ones all have to be stored and acknowledged, nothing else may be, nothing may break ingest, and the
process may not grow.
"""

import asyncio
import base64
import json
import random
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from structlog.testing import capture_logs

from device_configs.radio_schema import Lora
from gateway.carriers.concentrators import Forwarders
from gateway.carriers.duty import Duty
from gateway.carriers.receivers import Receivers
from gateway.ingest import Ingest
from gateway.model import Uplink
from gateway.store import Store
from hardware.virtual.radio.timeline import Timeline
from tests.soak.tally import Tally
from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, DATA, JOIN, WELCOME, pack_header
from wire.records import Record, encode
from wire.seal import uplink_cipher

FULL, ATTACKS = 2, 100_000
HONEST_EVERY = 50
QUANTITIES = (1, 1, 3, 3, 4)
NODE, KEY, EPOCH = 11, bytes(range(16)), 0xA1B2C3D4
LORA = Lora(frequency_khz=869_525, spreading_factor=9, bandwidth_khz=125, power_dbm=14)
GROWTH_MB = 40


def run(tally: Tally) -> None:
    tally.facts.update(attacks=0, honest=0)
    for seed in tally.rounds(FULL):
        with tally.run(seed), tempfile.TemporaryDirectory() as folder:
            attack(tally, Path(folder), seed, ATTACKS)


class Honest:
    """The one node there is."""

    def __init__(self, now_s: int) -> None:
        self._cipher, self._counter, self.seq, self._now_s = uplink_cipher(KEY), 0, 0, now_s
        self.sent: list[bytes] = []

    def _seal(self, kind: int, flags: int, body: bytes) -> bytes:
        frame = self._cipher.seal(pack_header(kind, flags | ACK_REQUESTED, NODE, self._counter), body)
        self._counter += 1
        self.sent.append(frame)
        return frame

    def status(self) -> bytes:
        return self._seal(CONTROL, 0, control.encode({control.EPOCH: EPOCH, control.NEXT: self.seq}))

    def report(self) -> bytes:
        record = Record(self.seq, self._now_s - 1_000_000 + self.seq, (9000, 8000, 300, -50, 3600), (0,) * 5)
        flags, body = encode(1, QUANTITIES, EPOCH, None, [record])
        self.seq += 1
        return self._seal(DATA, flags, body)


def push(frame: bytes, tmst: int) -> bytes:
    rxpk = {"tmst": tmst, "freq": 869.525, "stat": 1, "modu": "LORA", "datr": "SF9BW125", "rssi": -101,
            "lsnr": 4.2, "size": len(frame), "data": base64.b64encode(frame).decode()}  # fmt: skip
    return b"\x02\0\0\0" + bytes(range(8)) + json.dumps({"rxpk": [rxpk]}).encode()


def attacks(rng: random.Random, sent: list[bytes]) -> Iterator[bytes]:
    """Yield datagrams for ever: none of them carries a frame that was not taken before."""
    while True:
        frame = bytearray(rng.choice(sent[-200:]))
        kind = rng.randrange(7)
        if kind == 0:  # a replay
            yield push(bytes(frame), rng.randrange(1 << 32))
        elif kind == 1:  # bits flipped
            for _ in range(rng.randint(1, 8)):
                frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
            if bytes(frame) not in sent:
                yield push(bytes(frame), 1)
        elif kind == 2:  # a header that looks right, the rest made up
            head = pack_header(
                rng.choice((DATA, CONTROL, WELCOME, JOIN)), rng.randrange(8), rng.choice((NODE, 12)), 0xFFFF
            )
            yield push(head + rng.randbytes(rng.randrange(200)), 1)
        elif kind == 3:  # cut short
            yield push(bytes(frame[: rng.randrange(1, len(frame))]), 1)
        elif kind == 4:  # noise of any length
            yield push(rng.randbytes(rng.randint(1, 255)), 1)
        elif kind == 5:  # a datagram with bytes changed, somewhere in what is no frame
            raw = bytearray(push(bytes(frame), 1))
            for _ in range(rng.randint(1, 6)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            yield bytes(raw)
        else:
            yield rng.randbytes(rng.randrange(300))


def attack(tally: Tally, folder: Path, seed: int, count: int) -> None:
    """One run; raises AssertionError with what is wrong."""
    rng = random.Random(seed)
    timeline, loop = Timeline(), asyncio.new_event_loop()
    store = Store.open(folder / "store.db", timeline.utc_ms)
    ingest = Ingest(
        store, keys={NODE: KEY}, schemas={1: QUANTITIES}, gateway_id=b"soak", now_ms=timeline.utc_ms
    )
    inbox: list[Uplink] = []
    answered: list[bytes] = []
    duty, now_s = Duty(869_525, 125, lambda: timeline.utc_ms() // 1000), timeline.monotonic_s
    forwarders = Forwarders(
        LORA,
        Receivers(LORA, duty, later=timeline.call_later, now_s=now_s, now_ms=timeline.utc_ms),
        deliver=inbox.append,
        transmit=lambda datagram, _: answered.append(datagram),
        now_s=now_s,
    )

    def arrive(datagram: bytes) -> int:
        """Return how many answers there are."""
        forwarders.datagram(datagram, ("127.0.0.1", 1))
        timeline.run_until(timeline.monotonic_s() + 0.2)
        batch, inbox[:] = list(inbox), []
        if not batch:
            return 0
        return len(loop.run_until_complete(ingest.accept(batch)))

    honest = Honest(timeline.utc_ms() // 1000)
    try:
        with capture_logs() as logs:
            assert arrive(push(honest.status(), 1)) == 1
            assert arrive(push(honest.report(), 1)) == 1
            before_mb = 0.0
            hostile = attacks(rng, honest.sent)
            for number in range(count):
                assert arrive(next(hostile)) == 0, "an attack was answered"
                if number % HONEST_EVERY == 0:
                    assert arrive(push(honest.report(), number)) == 1, "an honest report was not answered"
                if number == count // 5:
                    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                answered.clear()
            grown_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb
        stored = sorted(record.seq for record in store.after(0, 1 << 40))
        assert stored == list(range(honest.seq)), "other records are stored than were sent"
        broke = [entry for entry in logs if entry["event"] == "frame_broke_ingest"]
        assert not broke, f"{len(broke)} frames broke ingest: {broke[0]}"
        assert grown_mb < GROWTH_MB, f"the process grew by {grown_mb:.0f} MB"
        tally.add("attacks", count)
        tally.add("honest", honest.seq)
        tally.facts["grown_mb"] = round(grown_mb, 1)
        tally.facts["refused"] = {str(cause): n for (cause, _), n in ingest.totals.items()}
    finally:
        loop.run_until_complete(store.close())
        loop.close()
