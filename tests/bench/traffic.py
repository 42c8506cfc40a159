"""What 200 nodes send, sealed and packed before the clock runs, and the process that sends it.

The packets are MQTT 3.1.1, QoS 0, written to a plain socket: that costs next to nothing beside the broker
and the receiver, on whose two cores it runs.
"""

import select
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.bench.gauge import QUANTITIES, SCHEMA, gauge_records
from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, DATA, FrameError, pack_header
from wire.records import Record, encode, put_uvarint, take_uvarint
from wire.seal import uplink_cipher

SITE = "bench"
SCHEMAS = {SCHEMA: QUANTITIES}
GATEWAY_ID = b"bnch"
INTERVAL_S = 300
PUBLISH, PINGREQ, PINGRESP = 3 << 4, 12 << 4, 13 << 4
WAIT_S = 10.0  # for an answer
SILENCE_S = 0.5  # after the last answer: nothing more will come


def key_of(node: int) -> bytes:
    return node.to_bytes(2, "big") * 8


def epoch_of(node: int) -> int:
    return 0xB0000000 | node


@dataclass(frozen=True, slots=True)
class Traffic:
    """Packets for the broker: a STATUS of each node, then `rounds` records of each, a frame a record."""

    nodes: int
    rounds: int
    introduction: bytes
    reports: bytes

    @property
    def frames(self) -> int:
        return self.nodes * self.rounds

    @property
    def node_ids(self) -> range:
        return range(1, self.nodes + 1)


def traffic(nodes: int, rounds: int, now_s: int) -> Traffic:
    """Make the traffic of `nodes` nodes, whose last reports are from `now_s`."""
    recorded = gauge_records()
    ciphers = {node: uplink_cipher(key_of(node)) for node in range(1, nodes + 1)}
    introduction, reports = bytearray(), bytearray()
    for node, cipher in ciphers.items():
        status = control.encode({control.EPOCH: epoch_of(node), control.NEXT: 0})
        put_publish(introduction, node, cipher.seal(pack_header(CONTROL, ACK_REQUESTED, node, 0), status))
    for seq in range(rounds):
        for node, cipher in ciphers.items():
            measured = recorded[(node * 150 + seq) % len(recorded)]
            at_s = now_s - (rounds - seq) * INTERVAL_S
            record = Record(seq, at_s, measured.values, measured.quality)
            flags, body = encode(SCHEMA, QUANTITIES, epoch_of(node), None, [record])
            header = pack_header(DATA, flags | ACK_REQUESTED, node, seq + 1)
            put_publish(reports, node, cipher.seal(header, body))
    return Traffic(nodes, rounds, bytes(introduction), bytes(reports))


def put_publish(out: bytearray, node: int, frame: bytes) -> None:
    """Append the packet that brings `frame` of `node` up."""
    topic = f"sn/{SITE}/{node}/up".encode()
    out.append(PUBLISH)
    put_uvarint(out, 2 + len(topic) + len(frame))  # MQTT counts its lengths the same way
    out += len(topic).to_bytes(2, "big") + topic + frame


def packets_in(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, body) of each whole packet in what the broker sent."""
    at = 0
    while at < len(stream):
        try:
            size, start = take_uvarint(stream, at + 1)
        except FrameError:
            return
        if start + size > len(stream):
            return
        yield stream[at] & 0xF0, stream[start : start + size]
        at = start + size


def publications(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (node, payload) of each whole PUBLISH in what the broker sent."""
    for kind, body in packets_in(stream):
        if kind == PUBLISH:
            start = 2 + int.from_bytes(body[:2], "big")
            yield int(body[2:start].split(b"/")[2]), body[start:]


def publish(port: int, packets: Traffic, commands: Connection) -> None:
    """The sending process. Obeys, one command at a time, until it is told None or its parent is gone:

    "introduce" sends the introductions, returns when each node has been answered; "flood" sends the reports
    and returns (monotonic start, end), the end being when the broker has taken them; "hear" returns what the
    broker sent since, when it sends no more.
    """
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench")
        topic = f"sn/{SITE}/+/down".encode()
        sock.sendall(bytes((0x82, 5 + len(topic), 0, 1, 0, len(topic))) + topic + b"\x00")
        heard = bytearray()
        while len(heard) < 4 + 5:  # CONNACK and SUBACK
            heard += sock.recv(64)
        heard.clear()
        sock.setblocking(False)
        commands.send(None)
        try:
            while (command := commands.recv()) is not None:
                if command == "introduce":
                    _exchange(sock, packets.introduction, heard)
                    _until(sock, heard, lambda: len(list(publications(bytes(heard)))) >= packets.nodes)
                    commands.send(None)
                    heard.clear()
                elif command == "flood":
                    start = time.monotonic()
                    _exchange(sock, packets.reports + bytes((PINGREQ, 0)), heard)
                    _until(sock, heard, lambda: any(k == PINGRESP for k, _ in packets_in(bytes(heard))))
                    commands.send((start, time.monotonic()))
                else:
                    while _hear(sock, heard, SILENCE_S):
                        pass
                    commands.send(bytes(heard))
        except EOFError:
            pass


def _exchange(sock: socket.socket, data: bytes, heard: bytearray) -> None:
    """Send `data`, keeping what comes in meanwhile."""
    rest = memoryview(data)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while rest:
            ((_, ready),) = selector.select()
            if ready & selectors.EVENT_READ:
                heard += sock.recv(1 << 18)
            if ready & selectors.EVENT_WRITE:
                rest = rest[sock.send(rest[: 1 << 16]) :]


def _until(sock: socket.socket, heard: bytearray, enough: Callable[[], bool]) -> None:
    while not enough() and _hear(sock, heard, WAIT_S):
        pass


def _hear(sock: socket.socket, heard: bytearray, timeout_s: float) -> bool:
    """Take in what comes next; False where nothing does."""
    if not select.select([sock], [], [], timeout_s)[0]:
        return False
    data = sock.recv(1 << 18)
    heard += data
    return bool(data)
