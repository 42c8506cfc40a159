"""What a record costs on the air, and what a concentrator's datagram or a bridge's line costs the gateway.

**Air.** Bytes and airtime of one report (the longest of the recording), and of each record in a back-fill of
24, at SF9, beside the same records as LoRaWAN with Cayenne LPP (a packet a record, without time, sequence and
quality) and as LoRaWAN with a CBOR row (with them). LoRaWAN adds 13 bytes; its payload at SF9 is 115 bytes.

**Gateway.** A: datagrams from a process that waits for their acknowledgements, WINDOW of them open, through
carrier, ingest and store (`synchronous = FULL` on a disk), from the first one sent until all records are in
the store. B: the same datagrams, acknowledged by a reader that does nothing else. A and B alternate; the
figure is the median of the pairs' ratios. For a bridge see radio_bridge.py.
"""

import asyncio
import base64
import contextlib
import json
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import cbor2

from device_configs.radio_schema import Lora
from gateway.carriers.packet_forwarder import PacketForwarderCarrier
from gateway.carriers.radios import receivers_of
from tests.bench.carried import carried
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.gauge import QUANTITIES, SCHEMA, gauge_records
from tests.bench.process import TIMEOUT_S, answer, started
from tests.bench.radio_bridge import bridge_figures
from tests.bench.traffic import epoch_of, key_of
from tests.bench.wire import LORAWAN, lpp_bytes, sealed_bytes
from wire import control
from wire.airtime import FRAME_MAX, airtime_us
from wire.frame import ACK_REQUESTED, CONTROL, DATA, HEADER_SIZE, TAG_SIZE, pack_header
from wire.records import Record, encode, encode_most
from wire.seal import uplink_cipher

SF = 9
PAYLOAD_MAX = 115  # of LoRaWAN at SF9 in Europe
BACKFILL = 24
PAIRS = 7
NODES, ROUNDS = 50, 70  # all of them fit the inbox: a forwarder does not wait for the disk
WINDOW = 32
ASK_EVERY = 6
DISK = Path("/var/tmp")  # kept over a restart, so never in memory
LORA = Lora(frequency_khz=869_525, spreading_factor=SF, bandwidth_khz=125, power_dbm=14)


def run() -> list[Figure]:
    records = gauge_records()
    introductions, reports = frames(int(time.time()))
    return [
        *air(records),
        gateway_figure(introductions, reports),
        *bridge_figures(introductions, reports, NODES),
    ]


# The air


def air(records: Sequence[Record]) -> list[Figure]:
    live = max(sealed_bytes([record]) for record in records)
    windows = [records[i : i + BACKFILL] for i in range(0, len(records) - BACKFILL + 1, BACKFILL)]
    filled = sum(ms(size) for window in windows for size in frames_of(window)) / (BACKFILL * len(windows))
    lpp = ms(lpp_bytes(1))
    row = LORAWAN + len(cbor_rows(records[:1]))
    rows_ms = sum(ms(LORAWAN + size) for window in windows for size in cbor_packets(window)) / (
        BACKFILL * len(windows)
    )
    return [
        Figure("bytes_per_report", live, "B", None, f"LPP {lpp_bytes(1)}, CBOR row {row}"),
        Figure(
            "airtime_ms_per_record",
            ms(live),
            "ms",
            at_most(round(lpp, 1)),
            f"live at SF{SF}; LoRaWAN + Cayenne LPP {lpp:.0f} ms, LoRaWAN + CBOR row {ms(row):.0f} ms",
        ),
        Figure(
            "backfill_airtime_ms_per_record",
            filled,
            "ms",
            at_most(round(rows_ms, 1)),
            f"24 in frames of {FRAME_MAX[SF]} B; LoRaWAN + CBOR rows {rows_ms:.0f} ms, LPP {lpp:.0f} ms",
        ),
    ]


def ms(size: int) -> float:
    return airtime_us(size, SF) / 1000


def frames_of(window: Sequence[Record]) -> Iterator[int]:
    """Yield the sizes of the frames that a node sends for `window`, as many of the newest as fit each."""
    left = list(window)
    size = FRAME_MAX[SF] - HEADER_SIZE - TAG_SIZE
    while left:
        chosen = left
        while True:
            _, body, n = encode_most(SCHEMA, QUANTITIES, 1, None, chosen, size)
            if n == len(chosen):
                break
            chosen = chosen[-n:]
        yield HEADER_SIZE + len(body) + TAG_SIZE
        left = left[: -len(chosen)]


def cbor_rows(window: Sequence[Record]) -> bytes:
    return cbor2.dumps([[r.seq, r.time, *r.values] for r in window])


def cbor_packets(window: Sequence[Record]) -> Iterator[int]:
    """Yield the payload sizes of CBOR rows, as many as fit a packet each."""
    begin = 0
    while begin < len(window):
        end = begin + 1
        while end < len(window) and len(cbor_rows(window[begin : end + 1])) <= PAYLOAD_MAX:
            end += 1
        yield len(cbor_rows(window[begin:end]))
        begin = end


# The gateway


def gateway_figure(introductions: list[bytes], reports: list[bytes]) -> Figure:
    introductions, reports = [push(frame) for frame in introductions], [push(frame) for frame in reports]
    pairs = []
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir=DISK) as name:
        for i in range(PAIRS + 1):
            store = Path(name) / f"{i}.db"
            a = asyncio.run(through_gateway(introductions, reports, store))
            pairs.append((a, asyncio.run(through_reader(reports))))
    ratios = sorted(a / b for a, b in pairs[1:])  # the first pair warms caches and the disk up
    bare = statistics.median(b for _, b in pairs[1:])
    return Figure(
        "ratio_to_bare_reader",
        statistics.median(ratios),
        "",
        at_least(0.08),
        f"a reader that only acknowledges: {bare:.0f}/s; {PAIRS} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}",
    )


def frames(now_s: int) -> tuple[list[bytes], list[bytes]]:
    """Return the frames of the nodes' introductions, and of one record each."""
    recorded = gauge_records()
    introductions, reports = [], []
    ciphers = {node: uplink_cipher(key_of(node)) for node in range(1, NODES + 1)}
    for node, cipher in ciphers.items():
        status = control.encode({control.EPOCH: epoch_of(node), control.NEXT: 0})
        introductions.append(cipher.seal(pack_header(CONTROL, ACK_REQUESTED, node, 0), status))
    for seq in range(ROUNDS):
        for node, cipher in ciphers.items():
            measured = recorded[(node * 150 + seq) % len(recorded)]
            record = Record(seq, now_s - (ROUNDS - seq) * 600, measured.values, measured.quality)
            flags, body = encode(SCHEMA, QUANTITIES, epoch_of(node), None, [record])
            flags |= ACK_REQUESTED if seq % ASK_EVERY == 0 else 0
            reports.append(cipher.seal(pack_header(DATA, flags, node, seq + 1), body))
    return introductions, reports


def push(frame: bytes) -> bytes:
    rxpk = {"tmst": 1_000_000, "freq": 869.525, "chan": 0, "rfch": 0, "stat": 1, "modu": "LORA",
            "datr": "SF9BW125", "codr": "4/5", "rssi": -101, "lsnr": 4.2, "size": len(frame),
            "data": base64.b64encode(frame).decode()}  # fmt: skip
    return b"\x02\0\0\0" + bytes(range(8)) + json.dumps({"rxpk": [rxpk]}).encode()


def sender(port: int, contents: list[bytes], commands: Connection) -> None:
    """The sending process: sends when it is told to, and tells when it began."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(TIMEOUT_S)
        commands.send(None)
        commands.recv()
        commands.send(time.monotonic())
        open_ = 0
        for datagram in contents:
            sock.send(datagram)
            open_ += 1
            while open_ >= WINDOW:
                if sock.recv(600)[3] == 1:  # a PULL_RESP is no acknowledgement
                    open_ -= 1
        commands.send(None)
        commands.recv()


@contextlib.asynccontextmanager
async def sending(port: int, contents: list[bytes]) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A sender that is ready; gives a coroutine that starts it and returns when it began."""
    with started(sender, port, contents) as process:

        async def begin() -> float:
            process.send(None)
            began: float = await asyncio.to_thread(answer, process)
            return began

        await asyncio.to_thread(answer, process)
        yield begin
        process.send(None)


class Bare(asyncio.DatagramProtocol):
    """Acknowledges and counts."""

    def __init__(self, expected: int) -> None:
        self.left = expected
        self.done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data[:3] + b"\x01", addr)
        self.left -= 1
        if not self.left:
            self.done.set()


async def through_reader(reports: list[bytes]) -> float:
    """Return how many datagrams a second a reader takes that only acknowledges."""
    loop = asyncio.get_running_loop()
    transport, bare = await loop.create_datagram_endpoint(
        lambda: Bare(len(reports)), local_addr=("127.0.0.1", 0)
    )
    try:
        async with sending(transport.get_extra_info("sockname")[1], reports) as begin:
            began = await begin()
            async with asyncio.timeout(TIMEOUT_S):
                await bare.done.wait()
            return len(reports) / (time.monotonic() - began)
    finally:
        transport.close()


async def through_gateway(introductions: list[bytes], reports: list[bytes], path: Path) -> float:
    """Return how many records a second get into the store."""
    carrier = PacketForwarderCarrier(LORA, receivers_of(LORA), port=0)
    async with carried(carrier, path, NODES) as until:
        while carrier._transport is None:  # noqa: ASYNC110 - it has no event for that
            await asyncio.sleep(0.01)
        port = carrier._transport.get_extra_info("sockname")[1]
        took_s = 0.0
        for contents in (introductions, reports):
            async with sending(port, contents) as begin:
                began = await begin()
                await until(len(contents))
                took_s = time.monotonic() - began
        return len(reports) / took_s
