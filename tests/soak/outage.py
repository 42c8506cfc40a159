"""A month without InfluxDB, and its return: 200 intakes every 5 min, 20 meters every 10 s.

The month is virtual time, the store is the real one, and so are sync and InfluxDB. While the backlog goes
out, live records are stored every second, and each has to be visible in InfluxDB within LIVE_S.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloud_sync.query import points
from gateway.control import SOCKET_NAME, Control, ControlError, Message, request
from gateway.model import Record
from gateway.store import Change, Reader, Store
from gateway.store.pruning import Limits
from gateway.store.upkeep import Upkeep
from tests.soak.big_town import HOUR_S, Reporter, Values, big_site
from tests.soak.tally import Tally
from tools.servers import InfluxDB

COUNTS = {"intake": 200, "energy": 20}
INTERVAL_S = {"intake": 300, "energy": 10}
DAYS, DAYS_A_MINUTE = 30, 2
CAP_BYTES = 512 << 20
LIVE_S = 5.0
DATABASE = "outage"
TOGETHER = 2000  # records of one change


def run(tally: Tally) -> None:
    days = DAYS if tally.minutes is None else max(1, min(DAYS, round(tally.minutes * DAYS_A_MINUTE)))
    seed = tally.first_seed
    with tally.run(seed), tempfile.TemporaryDirectory() as folder:
        asyncio.run(outage(tally, Path(folder), days, seed))


async def outage(tally: Tally, folder: Path, days: int, seed: int) -> None:
    state = folder / "gateway"
    state.mkdir()
    site = big_site(COUNTS)
    values = Values(seed)
    reporters = [Reporter(n, INTERVAL_S[n.profile.name], 0xB0000000 | n.id) for n in site.nodes]
    store = Store.open(state / "store.db")
    now_ms = (int(time.time()) - days * 86_400) * 1000
    upkeep = Upkeep(store, Limits(CAP_BYTES), lambda: now_ms)
    most = 0
    begun = time.monotonic()
    start_s = now_ms // 1000
    for hour in range(days * 24):
        from_s = start_s + hour * HOUR_S
        await append(store, [r for one in reporters for r in one.records(from_s, from_s + HOUR_S, values)])
        now_ms = (from_s + HOUR_S) * 1000
        if hour % 6 == 5:
            await upkeep.look()
            most = max(most, on_disk(state))
            assert most <= CAP_BYTES, f"{most} bytes on disk, the cap is {CAP_BYTES}"
        if hour % 72 == 0:
            tally.tell(f"day {hour // 24}: {store.reader.last_commit()} records, {most >> 20} MB at most")
    assert upkeep.lost == 0
    backlog = store.reader.last_commit()
    tally.facts.update(
        days=days,
        backlog_records=backlog,
        store_bytes=most,
        hours_of_outage_left=round(upkeep.outage_hours_left or 0),
        filled_s=round(time.monotonic() - begun),
    )
    control = Control(state / SOCKET_NAME, {"synced": _synced(upkeep)})
    serving = asyncio.create_task(control.serve())
    try:
        with InfluxDB(folder / "influxdb") as influxdb, syncing(state, influxdb.url) as socket:
            begun = time.monotonic()
            latencies = await catch_up(store, upkeep, reporters, values, influxdb.url, socket)
            seconds = time.monotonic() - begun
            most = max(most, on_disk(state))
            tally.facts.update(
                drained_s=round(seconds),
                records_per_s=round(backlog / seconds),
                live_records=len(latencies),
                live_visible_most_s=round(max(latencies), 2),
                store_bytes=most,
            )
            assert most <= CAP_BYTES
            assert max(latencies) <= LIVE_S, f"a live record took {max(latencies):.1f} s to be visible"
            tally.facts["points"] = await compare(store, [n.id for n in site.nodes], influxdb.url, site)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await store.close()


def _synced(upkeep: Upkeep) -> Any:
    async def synced(message: Message) -> Message:
        spans = [(int(first), int(last)) for first, last in message["spans"]]
        return {"known": await upkeep.synced(bytes.fromhex(message["store_id"]), spans)}

    return synced


async def append(store: Store, records: list[Record]) -> None:
    records.sort(key=lambda r: r.received_at_ms)
    changes = [Change(records=records[i : i + TOGETHER]) for i in range(0, len(records), TOGETHER)]
    outcomes = await asyncio.gather(*map(store.append, changes))
    assert sum(outcome.stored for outcome in outcomes) == len(records)


def on_disk(state: Path) -> int:
    """What the store's files take."""
    return sum(file.stat().st_size for file in state.glob("store.db*"))


@contextlib.contextmanager
def syncing(state: Path, url: str) -> Iterator[Path]:
    """The sync process; yields its socket."""
    counts = [f"{name}={count}" for name, count in COUNTS.items()]
    program = Path(__file__).with_name("sync_of_big_town.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, program, state, url, DATABASE, *counts], env=environment
    ) as process:
        try:
            yield state / "sync.sock"
        finally:
            process.terminate()


async def catch_up(
    store: Store, upkeep: Upkeep, reporters: list[Reporter], values: Values, url: str, socket: Path
) -> list[float]:
    """Store live records until the backlog is gone; return how long each took to be seen in InfluxDB."""
    live, latencies, look_at = reporters[0], [], time.monotonic()
    while True:
        second = int(time.time())
        row = values.row(live.node, second)
        record = Record(
            live.node.id, live.epoch, live.seq, second, 0, second * 1000, live.node.profile.schema_id,
            row, (0,) * len(row), "mqtt",
        )  # fmt: skip
        live.seq += 1
        stored_at = time.monotonic()
        await append(store, [record])
        while await asyncio.to_thread(last_seq, url, live.node.id) != record.seq:
            assert time.monotonic() - stored_at < 60, "a live record was not seen within a minute"
            await asyncio.sleep(0.1)
        latencies.append(time.monotonic() - stored_at)
        if time.monotonic() > look_at:
            look_at = time.monotonic() + 10
            await upkeep.look()
            with contextlib.suppress(ControlError):
                status = await asyncio.to_thread(request, socket, {"do": "status"})
                assert status["quarantined"] == 0, status
                if status["pending"] < 1000:
                    return latencies
        await asyncio.sleep(max(0.0, stored_at + 1 - time.monotonic()))


def last_seq(url: str, node: int) -> int | None:
    """Return the sequence of the node's newest point; None while there is none."""
    query = f"SELECT last(seq) FROM intake WHERE node = '{node}'"
    full = f"{url}/query?" + urllib.parse.urlencode({"db": DATABASE, "epoch": "s", "q": query})
    with urllib.request.urlopen(full, timeout=60) as answer:
        (result,) = json.loads(answer.read())["results"]
    return int(result["series"][0]["values"][0][1]) if "series" in result else None


async def compare(store: Store, nodes: list[int], url: str, site: Any) -> int:
    """Node by node, what is stored and what InfluxDB holds are the same; return how many points."""
    profile_of = {node.id: node.profile for node in site.nodes}
    count = 0
    await asyncio.sleep(5)  # what is left of the live records
    with Reader.open(store.path) as reader:
        for node in nodes:
            profile = profile_of[node]
            keys = [channel.key for channel in profile.channels]
            found = await points(url, "v1", DATABASE, profile.name, node)
            written = {(p["epoch"], p["seq"], p["time_s"], tuple(p.get(key) for key in keys)) for p in found}
            stored = {(r.epoch, r.seq, r.measured_at_s, r.values) for r in reader.history(node, 0, 1 << 40)}
            assert len(found) == len(written), f"node {node}: points twice"
            assert written == stored, f"node {node}: {len(written)} written, {len(stored)} stored"
            count += len(found)
    return count
