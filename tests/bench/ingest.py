"""A whole gateway under a flood of sealed frames, beside its MQTT client merely receiving the same.

A: private Mosquitto, a whole gateway (carrier, ingest, store with `synchronous = FULL` on a disk), from the
first packet sent to the last answer handed over; every frame is then looked up in the store and among the
acknowledgements that came back through the broker. B: the same broker, packets and carrier, nothing done
with what arrives; that carrier takes messages faster than its client's own iterator would, so B is the
strictest measure. Sender, broker and receiver are processes of their own in both, and share the machine's
cores alike. A and B alternate, and the figure is the median of the pairs' ratios.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.store import STORE_NAME, Reader
from tests.bench.figures import Figure, NotMeasured, at_least
from tests.bench.process import answer, started
from tests.bench.receivers import Received, receive
from tests.bench.traffic import GATEWAY_ID, Traffic, epoch_of, key_of, publications, publish, traffic
from tools.servers import Mosquitto
from wire import control
from wire.frame import HEADER_SIZE, WELCOME, WELCOME_SIZE, parse_header
from wire.seal import downlink_cipher

PAIRS = 11
NODES = 200
ROUNDS = 100
DISK = Path("/var/tmp")  # kept over a restart, so never in memory


@dataclass(frozen=True, slots=True)
class Arm:
    """One flood: frames a second, as received and as the sender could hand them over."""

    per_s: float
    sent_per_s: float
    received: Received


def run() -> list[Figure]:
    packets = traffic(NODES, ROUNDS, int(time.time()))
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir=DISK) as name:
        folder = Path(name)
        # A broker in the field drops what a client is too slow for; here that would measure the dropping.
        with Mosquitto(folder / "broker", settings=["max_queued_messages 0"]) as broker:
            pairs = []
            for i in range(PAIRS + 1):
                state = folder / f"state-{i}"
                state.mkdir()
                pairs.append((flood(broker.port, packets, state), flood(broker.port, packets, None)))
    return figures(pairs[1:], packets.frames)  # the first pair warms caches and the disk up


def figures(pairs: list[tuple[Arm, Arm]], frames: int) -> list[Figure]:
    """Return what the `pairs` of gateway and bare receiver come to, of `frames` frames each."""
    ratios = sorted(a.per_s / b.per_s for a, b in pairs)
    bare = statistics.median(b.per_s for _, b in pairs)
    sent = min(arm.sent_per_s for pair in pairs for arm in pair)
    bare_mb = max(b.received.peak_rss_bytes for _, b in pairs) / 1e6
    return [
        Figure(
            "ratio_to_bare_receive",
            statistics.median(ratios),
            "",
            at_least(0.4),
            f"the same client merely receiving; {len(pairs)} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}",
        ),
        Figure(
            "records_per_s",
            statistics.median(a.per_s for a, _ in pairs),
            "1/s",
            None,
            f"bare receive {bare:.0f}/s; the broker took {sent:.0f}/s from the sender, or more",
        ),
        Figure(
            "rss_mb",
            max(a.received.peak_rss_bytes for a, _ in pairs) / 1e6,
            "MB",
            None,
            f"peak of the gateway; bare receiver {bare_mb:.0f} MB",
        ),
        Figure(
            "records_per_commit",
            statistics.median(frames / a.received.commits for a, _ in pairs),
            "",
            None,
            "one flush to disk each",
        ),
    ]


def flood(port: int, packets: Traffic, state: Path | None) -> Arm:
    """Send `packets` to a gateway with the folder `state`, or to a bare receiver; check and time it."""
    expected = packets.frames + (packets.nodes if state else 0)
    with (
        started(receive, port, expected, state, list(packets.node_ids)) as receiver,
        started(publish, port, packets) as sender,
    ):
        answer(receiver)
        answer(sender)
        if state:
            sender.send("introduce")
            answer(sender)
        sender.send("flood")
        start, end = answer(sender)
        received: Received = answer(receiver)
        if state:
            sender.send("hear")
            check_stored(state, packets)
            check_acknowledged(state, packets, answer(sender))
        sender.send(None)
    return Arm(packets.frames / (received.done_s - start), packets.frames / (end - start), received)


def check_stored(state: Path, packets: Traffic) -> None:
    """Raise NotMeasured unless exactly the records that were sent are in the store."""
    with Reader.open(state / STORE_NAME) as reader:
        stored = sorted((node, epoch, seq) for node, epoch, seq, _ in reader.identities())
    sent = [(node, epoch_of(node), seq) for node in packets.node_ids for seq in range(packets.rounds)]
    if stored != sent:
        raise NotMeasured(f"{len(sent)} records were sent, {len(stored)} are stored")


def check_acknowledged(state: Path, packets: Traffic, heard: bytes) -> None:
    """Raise NotMeasured unless the downlinks in `heard` acknowledge every record of every node."""
    with Reader.open(state / STORE_NAME) as reader:
        store_id = reader.store_id
    ciphers = {node: downlink_cipher(key_of(node), GATEWAY_ID, store_id) for node in packets.node_ids}
    upto = dict.fromkeys(packets.node_ids, 0)
    for node, frame in publications(heard):
        size = WELCOME_SIZE if parse_header(frame).type == WELCOME else HEADER_SIZE
        body: dict[int, Any] = dict(control.decode(ciphers[node].open(frame, size)))
        if control.ACK in body:
            upto[node] = max(upto[node], body[control.ACK][1])
    missing = [node for node, settled in upto.items() if settled != packets.rounds]
    if missing:
        raise NotMeasured(f"{len(missing)} of {packets.nodes} nodes were not told that everything is stored")
