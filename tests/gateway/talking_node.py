"""A node of a few lines, on the real wire: it seals what it is told to, and opens what it is sent."""

from collections.abc import Sequence
from typing import Any

from gateway.model import Downlink, Uplink
from wire import control
from wire.frame import (
    ACK_REQUESTED,
    CONTROL,
    DATA,
    HEADER_SIZE,
    JOIN,
    WELCOME,
    WELCOME_SIZE,
    pack_header,
    parse_header,
)
from wire.records import Record, encode
from wire.seal import Cipher, downlink_cipher, life_key, uplink_cipher

INTAKE = (1, 1, 3, 3, 4, 5)  # level up and down (loop current), water and air temperature, battery, tilt
SCHEMAS = {1: INTAKE}
GATEWAY_ID = b"\x00\x11\x22\x33"
NOON_S = 1_795_000_000  # some time in November 2026
NOON_MS = NOON_S * 1000


def key_of(node: int) -> bytes:
    return node.to_bytes(2, "big") * 8


def record(seq: int, time: int | None = None, value: int = 12_000) -> Record:
    """Return an intake record, every ten minutes unless told otherwise."""
    time = NOON_S - 100_000 + 600 * seq if time is None else time
    return Record(seq, time, (value + seq % 100, 11_000, 215, None, 3600, -30), (0, 0, 0, 2, 0, 0))


class TalkingNode:
    """`told` is the last downlink's body; `frames` what it has sealed."""

    __test__ = False

    def __init__(self, node: int = 11, *, epoch: int = 0xA1B2C3D4, key: bytes | None = None) -> None:
        self.node = node
        self.key = key_of(node) if key is None else key
        self.epoch = epoch
        self.counter = 0
        self.frames: list[bytes] = []
        self.told: dict[int, Any] = {}
        self._root = self.key
        self.life = 0
        self._up = uplink_cipher(self.key)
        self._down: Cipher | None = None

    def begin(self, life: int) -> None:
        """Begin another life: counters start again under another key."""
        self.life, self.counter = life, 0
        self.key = life_key(self._root, life)
        self._up, self._down = uplink_cipher(self.key), None

    def seal(self, kind: int, flags: int, body: bytes) -> bytes:
        header = pack_header(kind, flags, self.node, self.counter)
        if kind == JOIN:
            header += self.life.to_bytes(2, "big")
        frame = self._up.seal(header, body)
        self.counter += 1
        self.frames.append(frame)
        return frame

    def status(self, **said: Any) -> bytes:
        """Return a STATUS; `said` by the names of wire.control, in small letters."""
        body: dict[int, Any] = {control.EPOCH: self.epoch, control.NEXT: 0}
        body |= {getattr(control, name.upper()): value for name, value in said.items()}
        return self.seal(JOIN if self.life else CONTROL, ACK_REQUESTED, control.encode(body))

    def data(
        self, *records: Record, clock: int | None = None, schema: int = 1, flags: int = ACK_REQUESTED
    ) -> bytes:
        made, body = encode(schema, INTAKE, self.epoch, clock, list(records))
        return self.seal(DATA, made | flags, body)

    def hear(self, downlinks: Sequence[Downlink]) -> dict[int, Any]:
        """Open the one downlink that is for this node and return what it says."""
        (frame,) = [d.frame for d in downlinks if d.node == self.node]
        header = parse_header(frame)
        assert header.node == self.node
        if header.type == WELCOME:
            gateway_id, store_id = frame[HEADER_SIZE : HEADER_SIZE + 4], frame[HEADER_SIZE + 4 : WELCOME_SIZE]
            self._down = downlink_cipher(self.key, gateway_id, store_id)
            plain = self._down.open(frame, WELCOME_SIZE)
        else:
            assert header.type == CONTROL
            assert self._down is not None, "a downlink under a key this node has not been told"
            plain = self._down.open(frame)
        told: Any = control.decode(plain)
        assert header.type == CONTROL or told[control.TIME][0] < self.counter
        self.told = told
        return self.told


def uplink(frame: bytes, received_at_ms: int = NOON_MS) -> Uplink:
    return Uplink(frame, received_at_ms, "mqtt", -71, 9.5)
