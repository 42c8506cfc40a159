"""From a frame received to the page handed over, in a whole gateway, while 1000 readings a second stream in.

A carrier in the process hands sealed frames of 200 intakes to the gateway: ingest, store and alerts with
`synchronous = FULL` on a disk, all the demonstration's rules for intakes, and one more rule for each node
that pages a recipient of its own (the same one would be spared the flood). Ten times a second a node's water
stands above its limit. The clock stops when the message is handed to the channel, in the channel's thread.
"""

import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import apsw
import structlog

from device_configs import compile as compiled
from device_configs.alert_schema import Recipient, Rule
from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from gateway.alerts.channels import Channel, ChannelsFile
from gateway.alerts.engine import Engine
from gateway.app import Gateway, Settings
from gateway.carriers.mqtt import Broker
from gateway.model import Downlink, StoredRecord, Uplink
from gateway.notify import Settings as Delivery
from gateway.store import STORE_NAME, Store
from tests.bench.figures import Figure, NotMeasured, at_most
from tests.bench.traffic import GATEWAY_ID, epoch_of, key_of
from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, DATA, pack_header
from wire.records import Record, encode
from wire.seal import Cipher, uplink_cipher

NODES = 200
READINGS_PER_S = 1000
PAGES_PER_S = 10
SECONDS = 20
PATIENCE_S = 30.0  # for the last pages
DISK = Path("/var/tmp")  # kept over a restart, so never in memory
QUIET_UA, HIGH_UA = 5400, 11000  # 62 and 1112 mm at the transmitter of the demonstration
LIMIT_MM = 1000
OWN = "egen-"  # the rules that are timed
BATTERY_MV, AIR_CC, WATER_CC = 3580, 550, 420


def run() -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    site = town()
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir=DISK) as name:
        folder = Path(name)
        (folder / "state").mkdir()
        latencies = asyncio.run(paged(site, folder / "state", SECONDS))
        commits = commit_times_s(folder / "bare.db", 300)
    per_record = len(site.node(1).profile.channels)
    return [
        Figure(
            "latency_p99_ms",
            1000 * quantile(latencies, 0.99),
            "ms",
            at_most(100),
            f"{len(latencies)} pages at {READINGS_PER_S} readings/s; a bare commit: "
            f"p50 {1000 * quantile(commits, 0.5):.1f}, p99 {1000 * quantile(commits, 0.99):.1f} ms",
        ),
        Figure("latency_p50_ms", 1000 * statistics.median(latencies), "ms", None, "two commits lie between"),
        Figure(
            "evaluations_per_s",
            evaluations_per_s(site),
            "1/s",
            None,
            f"{READINGS_PER_S} readings/s of {NODES} intakes ask for "
            f"{READINGS_PER_S / per_record * rules_per_node(site):.0f}/s",
        ),
    ]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def town() -> Site:
    """The demonstration's first intake, 200 times, each with a rule and a recipient of its own."""
    demo = load_site(SITES / "narvik-demo")
    model = demo.node(11)
    nodes = [replace(model, id=i, name=f"Inntak {i}") for i in range(1, NODES + 1)]
    pattern = next(rule for rule in demo.rules if rule.id == "kulvert-100")
    changes = {
        "soffit_above_percent": None, "above": LIMIT_MM, "on_delay_s": 0, "inhibited_by": (),
        "profile": None, "escalate_after_min": None, "escalate_to": None,
    }  # fmt: skip
    own = [
        pattern.model_copy(update={**changes, "id": f"{OWN}{i}", "nodes": (i,), "recipient": f"vakt-{i}"})
        for i in range(1, NODES + 1)
    ]
    common = [rule for rule in demo.rules if rule.profile == "intake"]
    recipients = [*demo.recipients, *(Recipient(id=f"vakt-{i}", role="Vakt") for i in range(1, NODES + 1))]
    rules: list[Rule] = [*common, *own]
    return replace(demo, nodes=tuple(nodes), rules=tuple(rules), recipients=tuple(recipients))


def rules_per_node(site: Site) -> int:
    return sum(rule.profile is not None for rule in site.rules) + 1


@dataclass
class Stream:
    """A carrier: frames on their beat, and when each high one was handed in."""

    site: Site
    seconds: float
    name: str = "bench"
    connected: bool = True
    handed_in: dict[int, float] = field(default_factory=dict)
    late_s: float = 0.0
    frames: int = 0

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        ciphers = {node.id: uplink_cipher(key_of(node.id)) for node in self.site.nodes}
        yield [_uplink(status(cipher, node)) for node, cipher in ciphers.items()]
        per_s = READINGS_PER_S // len(self.site.nodes[0].profile.channels)
        ready = frames_of(ciphers, self.site.nodes[0], int(per_s * self.seconds), per_s // PAGES_PER_S)
        begun = time.monotonic()
        for i, (node, frame, high) in enumerate(ready):
            due = begun + i / per_s
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.late_s = max(self.late_s, time.monotonic() - due)
            if high:
                self.handed_in[node] = time.monotonic()
            self.frames += 1
            yield [_uplink(frame)]
        await asyncio.sleep(3600)

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        del downlinks


def _uplink(frame: bytes) -> Uplink:
    return Uplink(frame, time.time_ns() // 1_000_000, "bench", -70, 9.0)


def status(cipher: Cipher, node: int) -> bytes:
    body = control.encode({control.EPOCH: epoch_of(node), control.NEXT: 0})
    frame: bytes = cipher.seal(pack_header(CONTROL, ACK_REQUESTED, node, 0), body)
    return frame


def frames_of(
    ciphers: dict[int, Cipher], model: Node, count: int, high_every: int
) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (node, sealed frame, whether its water is high), round robin; each node is high once at most."""
    nodes, raised = list(ciphers), set[int]()
    profile = model.profile
    began_s = int(time.time())
    for i in range(count):
        node, seq = nodes[i % len(nodes)], i // len(nodes)
        # The step of 7 spreads the high ones over the nodes.
        high = i % high_every == seq % high_every and node not in raised and seq > 0
        if high:
            raised.add(node)
        up = HIGH_UA if high else QUIET_UA
        values = (up, QUIET_UA - 200, WATER_CC, AIR_CC, BATTERY_MV)
        record = Record(seq, began_s - 3600 + seq * 60, values, (0,) * len(values))
        flags, body = encode(profile.schema_id, profile.quantities, epoch_of(node), None, [record])
        yield node, ciphers[node].seal(pack_header(DATA, flags | ACK_REQUESTED, node, seq + 1), body), high


async def paged(site: Site, state: Path, seconds: float) -> list[float]:
    """Run a gateway under the stream; return seconds from each high frame to its page."""
    handed_over: dict[int, float] = {}

    def take(_url: str, _title: str, body: str) -> str:
        at = time.monotonic()
        kind, rule, node, *_ = body.rsplit("\n", 1)[-1].split("/")  # the message's key
        if kind == "raised" and rule.startswith(OWN):
            handed_over.setdefault(int(node), at)
        return "taken"

    ways = tuple(Channel(recipient=r.id, url="json://bench") for r in site.recipients)
    settings = Settings(
        site.id,
        GATEWAY_ID,
        {node.id: key_of(node.id) for node in site.nodes},
        compiled.schemas(site),
        state,
        Broker(),
        rules=site,
        delivery=Delivery(ChannelsFile(channels=ways), send=take),
    )
    store = Store.open(state / STORE_NAME)
    stream, stop = Stream(site, seconds), asyncio.Event()
    running = asyncio.create_task(Gateway(settings, store, carriers=[stream]).run(stop))
    await asyncio.sleep(seconds)
    deadline = time.monotonic() + PATIENCE_S
    while len(handed_over) < len(stream.handed_in) or not stream.handed_in:
        if time.monotonic() > deadline or running.done():
            break
        await asyncio.sleep(0.05)
    stop.set()
    await running
    await store.close()
    missed = stream.handed_in.keys() - handed_over.keys()
    if missed:
        raise NotMeasured(f"{len(missed)} of {len(stream.handed_in)} pages never came")
    if stream.frames < 0.9 * seconds * READINGS_PER_S / len(site.nodes[0].profile.channels):
        raise NotMeasured(f"only {stream.frames} frames could be handed in: the machine is too busy")
    return [handed_over[node] - at for node, at in stream.handed_in.items()]


def commit_times_s(path: Path, count: int) -> list[float]:
    """Return how long a commit of one row takes, with `synchronous = FULL` on the same disk."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE t (x)")
    times = []
    for i in range(count):
        start = time.perf_counter()
        db.execute("INSERT INTO t VALUES (?)", (i,))
        times.append(time.perf_counter() - start)
    db.close()
    return times


def evaluations_per_s(site: Site, seconds: float = 3.0) -> float:
    """Return how many (rule, record) pairs a second the engine evaluates, alone on one core."""
    engine = Engine(site, {})
    watching = rules_per_node(site)
    begun, done, seq = time.perf_counter(), 0, 0
    while (spent := time.perf_counter() - begun) < seconds:
        at_s = 1_790_000_000 + 600 * seq
        records = [_stored(node.id, seq, at_s) for node in site.nodes]
        engine.take(records, at_s)
        done += len(records) * watching
        seq += 1
    return done / spent


def _stored(node: int, seq: int, at_s: int) -> StoredRecord:
    values = (QUIET_UA + seq % 7 * 40, QUIET_UA - 200, WATER_CC, AIR_CC, BATTERY_MV)
    marks = (0,) * len(values)
    return StoredRecord(seq, node, 1, seq, at_s, 0, at_s * 1000, 1, values, marks, "bench", -70, 9.0, False)
