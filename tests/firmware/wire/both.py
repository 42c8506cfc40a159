"""Codec tests that run on CPython and MicroPython alike: plain asserts, no pytest.

Each `check_*` yields byte strings; both interpreters must yield the same ones.
"""

import hashlib
import json

from wire import control
from wire.bits import BitWriter, unzigzag, zigzag
from wire.frame import FrameError, pack_header, parse_header
from wire.quantities import FAULT, MISSING, OK, OUT_OF_RANGE, QUANTITIES
from wire.records import BitReader, Record, decode, encode, encode_most
from wire.seal import BlockCcm, downlink_cipher, hkdf, life_key, uplink_cipher

try:
    from cryptolib import aes
except ImportError:
    from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
    from cryptography.hazmat.primitives.ciphers import algorithms, modes

    class aes:  # the two modes stock ESP32 firmware has, in cryptolib's shape
        def __init__(self, key, mode, iv=None):
            self._mode = modes.ECB() if mode == 1 else modes.CBC(iv)
            self._key = key

        def encrypt(self, blocks):
            return BlockCipher(algorithms.AES(self._key), self._mode).encryptor().update(bytes(blocks))


class Lcg:
    """A generator both interpreters have alike (Numerical Recipes' constants)."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 8) % n


def unhex(text):
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


def check_rfc3610():
    """RFC 3610 section 8, packet vectors 1 to 3."""
    key = unhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
    aad_size = 8
    for nonce, sealed in (
        (
            "00000003020100a0a1a2a3a4a5",
            "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0",
        ),
        (
            "00000004030201a0a1a2a3a4a5",
            "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916",
        ),
        (
            "00000005040302a0a1a2a3a4a5",
            "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5",
        ),
    ):
        message = bytes(range(len(sealed) // 2))
        ccm = BlockCcm(key, aes)
        out = ccm.seal(unhex(nonce), message[aad_size:], message[:aad_size])
        assert out == unhex(sealed), out
        assert ccm.open(unhex(nonce), out, message[:aad_size]) == message[aad_size:]
        yield out


def check_rfc5869():
    """RFC 5869 appendix A.1 and A.3."""
    okm = hkdf(bytes([0x0B] * 22), unhex("f0f1f2f3f4f5f6f7f8f9"), 42, bytes(range(13)))
    assert okm == unhex(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    yield okm
    okm = hkdf(bytes([0x0B] * 22), b"", 42)
    assert okm == unhex(
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    yield okm


def check_bits():
    random = Lcg(1)
    for _ in range(50):
        fields = []
        for _ in range(40):
            width = random.below(41)
            fields.append((random.below(1 << 24) & (1 << width) - 1, width))
        out = bytearray()
        writer = BitWriter(out)
        for n, width in fields:
            writer.put(n, width)
        writer.close()
        reader = BitReader(bytes(out), 0)
        for n, width in fields:
            assert reader.take(width) == n
        reader.close()
        yield bytes(out)
    for n in (0, -1, 1, -2, 2, 1 << 39, -(1 << 39)):
        assert unzigzag(zigzag(n)) == n


def some_records(random, quantities, count, spread):
    time = 1_700_000_000 + random.below(1 << 20)
    seq = random.below(1 << 22)
    values = [QUANTITIES[q].lo + (QUANTITIES[q].hi - QUANTITIES[q].lo) // 3 for q in quantities]
    records = []
    for i in range(count):
        row = []
        codes = []
        for c, quantity in enumerate(quantities):
            q = QUANTITIES[quantity]
            step = random.below(2 * spread + 1) - spread
            if random.below(40) == 0:
                step *= 1000
            values[c] = min(max(values[c] + step, q.lo), q.hi)
            code = (MISSING, FAULT, OUT_OF_RANGE)[random.below(3)] if random.below(12) == 0 else OK
            codes.append(code)
            row.append(None if code in (MISSING, FAULT) else values[c])
        records.append(Record(seq + i, time, tuple(row), tuple(codes)))
        time += 600 + (random.below(3) - 1 if random.below(5) == 0 else 0)
    return records


def check_records():
    random = Lcg(2)
    quantities = tuple(sorted(QUANTITIES))
    for n in range(60):
        chosen = tuple([quantities[random.below(len(quantities))] for _ in range(1 + random.below(8))])
        records = some_records(random, chosen, 1 + random.below(30), (0, 3, 200)[n % 3])
        clock = None if n % 4 else n
        flags, body = encode(5, chosen, 0x1234, clock, records)
        batch = decode(flags, body, {5: chosen})
        assert batch.records == records, (batch.records, records)
        assert (batch.schema, batch.epoch, batch.clock) == (5, 0x34, clock)
        yield body
        flags, body, sent = encode_most(5, chosen, 1, clock, records, 64)
        assert 0 < sent <= len(records) and len(body) <= 64
        assert decode(flags, body, {5: chosen}).records == records[:sent]
        yield body


def check_extremes():
    for _, q in sorted(QUANTITIES.items()):  # MicroPython keeps no order in a dict
        rows = (q.lo, q.hi, q.lo, q.lo, q.hi, q.hi)
        records = [Record((1 << 32) - 6 + i, (1 << 32) - 1 - i * 7, (v,), (OK,)) for i, v in enumerate(rows)]
        flags, body = encode(0, (q.id,), 0, 255, records)
        assert decode(flags, body, {0: (q.id,)}).records == records
        yield body


def check_mutations():
    """Whatever happens to a frame or to a body: FrameError or a value, never another error."""
    random = Lcg(3)
    quantities = (1, 3, 13)
    records = some_records(random, quantities, 9, 40)
    flags, body = encode(1, quantities, 1, None, records)
    cipher = uplink_cipher(bytes(range(16)))
    frame = cipher.seal(pack_header(0, flags, 11, 77), body)
    assert cipher.open(frame) == body
    refused = 0
    for i in range(len(frame)):
        for mutated in (
            frame[:i],
            frame[:i] + bytes((frame[i] ^ 1 << random.below(8),)) + frame[i + 1 :],
            frame[:i] + bytes((random.below(256),)) + frame[i:],
        ):
            try:
                parse_header(mutated)
                cipher.open(mutated)
                assert False, "a mutated frame was opened"
            except FrameError:
                refused += 1
    for _ in range(600):
        mutated = bytearray(body)
        for _ in range(1 + random.below(3)):
            mutated[random.below(len(mutated))] ^= 1 << random.below(8)
        try:
            cut = random.below(len(mutated) + 1) or None
            decode(flags ^ random.below(8), bytes(mutated)[:cut], {1: quantities})
        except FrameError:
            refused += 1
    assert refused > 500
    yield str(refused).encode()


def check_control():
    random = Lcg(4)
    body = {
        control.EPOCH: 0xDEADBEEF,
        control.CLOCK: [3, 123_456_789_012, None],
        control.FIRMWARE: "1.2.3",
        control.CONFIG: b"\x00\x01\x02\x03",
        control.LOST: [[1, 5], [70000, 70001]],
        control.COUNTERS: {1: 23, 2: 24, 300: -1, -5: -70000},
        99: [True, False, None, "ærlig", -(1 << 40)],
    }
    encoded = control.encode(body)
    assert control.decode(encoded) == body
    yield encoded
    for _ in range(1500):
        mutated = bytearray(encoded)
        for _ in range(1 + random.below(4)):
            mutated[random.below(len(mutated))] = random.below(256)
        try:
            control.decode(bytes(mutated[: random.below(len(mutated)) + 1]))
        except FrameError:
            pass
    bad_bodies = "a1 a2010201 a1011903 a10102ff a201020103 a1011800 8101 bf01ff a101c0"
    for bad in bad_bodies.split(" ") + [""]:
        try:
            control.decode(unhex(bad))
            assert False, bad
        except FrameError:
            pass
    deep = b"\xa1\x01" + b"\x81" * 40 + b"\x00"
    wide = b"\xa1\x01\x9a\xff\xff\xff\xff"
    for bomb in (deep, wide):
        try:
            control.decode(bomb)
            assert False
        except FrameError:
            pass


def check_vectors(path):
    """Golden frames: what they hold, byte for byte."""
    with open(path) as f:
        vectors = json.load(f)
    for v in vectors:
        key = unhex(v["node_key"])
        if v["direction"] == "up":
            cipher = uplink_cipher(life_key(key, int(v["clear"] or "0", 16)))  # only a JOIN has one
        else:
            cipher = downlink_cipher(key, unhex(v["gateway_id"]), unhex(v["store_id"]))
        clear = pack_header(v["type"], v["flags"], v["node"], v["counter"]) + unhex(v["clear"])
        frame = unhex(v["frame"])
        plain = cipher.open(frame, len(clear))
        assert plain == unhex(v["plain"]), v["name"]
        assert cipher.seal(clear, plain) == frame, v["name"]
        assert parse_header(frame) == (v["type"], v["flags"], v["node"], v["counter"])
        if "records" in v:
            quantities = tuple(v["quantities"])
            records = [Record(r[0], r[1], tuple(r[2]), tuple(r[3])) for r in v["records"]]
            batch = decode(v["flags"], plain, {v["schema"]: quantities})
            assert batch == (v["schema"], v["epoch"], v["clock"], records), v["name"]
            flags, body = encode(v["schema"], quantities, v["epoch"], v["clock"], records)
            assert body == plain and flags | 1 == v["flags"] | 1, v["name"]
        yield frame


CHECKS = (
    check_rfc3610,
    check_rfc5869,
    check_bits,
    check_records,
    check_extremes,
    check_mutations,
    check_control,
)


def digest(chunks):
    h = hashlib.sha256()
    for chunk in chunks:
        h.update(chunk)
    return "".join(["%02x" % b for b in h.digest()])


def main(vectors):
    for check in CHECKS:
        print(check.__name__, digest(check()))
    print("check_vectors", digest(check_vectors(vectors)))
