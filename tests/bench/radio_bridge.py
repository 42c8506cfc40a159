"""What a USB bridge's packet costs the gateway: through carrier, ingest and store, and past a bare reader.

The bridge is a process at the other end of a pseudo-terminal that speaks its protocol as fast as it is
answered, with no radio and no 115200 baud in between. A: the gateway's carrier, ingest and store
(`synchronous = FULL` on a disk). B: a reader that answers each line with what lies ready and does nothing
else. A and B alternate; the figure is the median of the pairs' ratios.
"""

import asyncio
import contextlib
import os
import statistics
import struct
import tempfile
import time
import tty
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.carriers.bridge import BridgeCarrier
from gateway.carriers.radios import receivers_of
from tests.bench.carried import carried
from tests.bench.figures import Figure, at_least
from tests.bench.process import answer, started
from wire import bridge as cable

PAIRS = 7
PACKETS = 3500
BOOT = 7
START = 255  # a number that no packet has
DISK = Path("/var/tmp")  # kept over a restart, so never in memory


def bridge_figures(introductions: list[bytes], reports: list[bytes], nodes: int) -> list[Figure]:
    """Return the figures for these sealed frames of so many nodes."""
    reports = reports[:PACKETS]
    pairs = []
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir=DISK) as name:
        for i in range(PAIRS + 1):
            store = Path(name) / f"{i}.db"
            a = asyncio.run(through_gateway(introductions, reports, store, nodes))
            pairs.append((a, through_reader(reports)))
    ratios = sorted(a / b for a, b in pairs[1:])  # the first pair warms caches and the disk up
    ours, bare = (statistics.median(rates) for rates in zip(*pairs[1:], strict=True))
    longest = max(len(heard(0, report)) for report in reports)
    line = cable.BAUD / 10 / longest
    return [
        Figure(
            "bridge_ratio_to_bare_serial_reader",
            statistics.median(ratios),
            "",
            at_least(0.08),
            f"a reader that only answers: {bare:.0f}/s; {PAIRS} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}",
        ),
        Figure(
            "bridge_times_line_rate",
            ours / line,
            "",
            at_least(2.0),
            f"lines of {longest} B at {cable.BAUD} baud: {line:.0f}/s; the gateway takes {ours:.0f}/s",
        ),
    ]


def heard(number: int, frame: bytes) -> bytes:
    """Return the line by which a bridge tells of a frame."""
    head = struct.pack(cable.HEARD_BODY, BOOT, 0, 0, -101, 18, 869_525, 9, 125)
    return cable.line(cable.HEARD, number, head + frame)


def bridge(rounds: list[list[bytes]], commands: Connection) -> None:
    """The bridge's process: answers who asks, then tells of each frame once the last one was taken.

    Sends its port's name, and when each round began; waits before the next one until it is told to go on.
    """
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    commands.send(os.ttyname(theirs))
    lines = cable.Lines()

    def taken() -> Iterator[int]:
        """Yield the numbers of what is taken by what has come; answer everything else."""
        for kind, number, _ in lines.feed(os.read(ours, 4096)):
            if kind == cable.ASK:
                hello = struct.pack(cable.HELLO_BODY, cable.VERSION, BOOT, cable.TAKES, bytes(8), 1)
                state = struct.pack(cable.STATE_BODY, BOOT, 1, 0, *bytes(len(cable.COUNTS)))
                os.write(ours, cable.line(cable.HELLO, number, hello) + cable.line(cable.STATE, 0, state))
            elif kind == cable.SETUP:
                os.write(ours, cable.line(cable.DONE, number, bytes(1)))
                yield START
            elif kind == cable.SEND:
                os.write(ours, cable.line(cable.DONE, number, bytes(1)))
            elif kind == cable.TAKEN:
                yield number

    while START not in taken():
        pass
    number = 0
    for frames in rounds:
        commands.send(time.monotonic())
        for frame in frames:
            os.write(ours, heard(number, frame))
            while number not in taken():
                pass
            number = (number + 1) % START
        commands.recv()


@contextlib.contextmanager
def at_the_cable(*rounds: list[bytes]) -> Iterator[tuple[str, Connection]]:
    """A bridge that tells of these frames: its port, and what it says aside."""
    with started(bridge, list(rounds)) as aside:
        yield answer(aside), aside
        aside.send(None)


def through_reader(frames: list[bytes]) -> float:
    """Return how many packets a second a reader takes that only answers."""
    taken = [cable.line(cable.TAKEN, i, struct.pack(cable.TAKEN_BODY, BOOT)) for i in range(START + 1)]
    with at_the_cable(frames) as (name, aside):
        port = os.open(name, os.O_RDWR | os.O_NOCTTY)
        os.write(port, taken[START])
        began: float = answer(aside)
        ends = 0
        for i in range(len(frames)):
            while ends < 2 * (i + 1):
                ends += os.read(port, 4096).count(b"\n")
            os.write(port, taken[i % START])
        rate = len(frames) / (time.monotonic() - began)
        os.close(port)
        return rate


async def through_gateway(introductions: list[bytes], reports: list[bytes], path: Path, nodes: int) -> float:
    """Return how many records a second get into the store."""
    lora = Lora(frequency_khz=869_525, spreading_factor=9, bandwidth_khz=125, power_dbm=14)
    with at_the_cable(introductions, reports) as (name, aside):
        async with carried(BridgeCarrier(lora, receivers_of(lora), name), path, nodes) as until:
            await until(len(introductions))  # a node sends data only once it is known
            answer(aside)
            aside.send(None)
            await until(len(reports))
            began: float = answer(aside)
            return len(reports) / (time.monotonic() - began)
