"""kill -9 of the real gateway and the real sync under load, time and again; in the end the sets are equal."""

import asyncio
import random
from pathlib import Path

from cloud_sync.query import points
from device_configs.loader import SITES, load_site
from gateway.control import ControlError
from gateway.store import Reader
from tests.faults.load import Identity, Load, load_nodes
from tools.programs import Gateway, Sync
from tools.servers import HOST, InfluxDB, Mosquitto, free_port

SITE = SITES / "narvik-demo"
DATABASE = "sensornett"


async def kill_often(folder: Path, seed: int, kills: int) -> int:
    """Return how many records went through. Raises AssertionError where the sets differ in the end."""
    chance = random.Random(seed)
    site = load_site(SITE)
    state = folder / "gateway"
    state.mkdir(parents=True)
    nodes = load_nodes(site, state, seed)
    password = state / "password"
    password.write_text("any")
    with Mosquitto(folder / "broker") as broker, InfluxDB(folder / "influxdb") as influxdb:
        gateway = Gateway(state, SITE, f"{HOST}:{broker.port}", password, free_port())
        sync = Sync(state, SITE, influxdb.url, "v1", DATABASE)
        load = Load(site.id, broker.port, nodes)
        running = asyncio.create_task(load.run())
        try:
            await asyncio.to_thread(gateway.start)
            await asyncio.to_thread(sync.start)
            for _ in range(kills):
                await asyncio.sleep(chance.random() ** 2)
                victims = chance.choice(([gateway], [gateway], [sync], [gateway, sync]))
                for victim in victims:
                    victim.kill()
                await asyncio.gather(*(asyncio.to_thread(victim.start) for victim in victims))
                assert not running.done(), "the nodes stopped"
            await load.settled()
            await drained(sync)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            for program in (sync, gateway):
                await asyncio.to_thread(program.stop)
        keys_of = {node.id: [channel.key for channel in node.profile.channels] for node in site.nodes}
        written: list[Identity] = []
        for profile in sorted({node.profile.name for node in site.nodes}):
            found = await points(influxdb.url, "v1", DATABASE, profile)
            written += [_identity(point, keys_of) for point in found]
    with Reader.open(state / "store.db") as reader:
        stored = list(reader.identities())
    compare(load, stored, written)
    return len(stored)


async def drained(sync: Sync, timeout_s: float = 120.0) -> None:
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                status = await asyncio.to_thread(sync.status)
                if status["pending"] == 0:
                    assert status["quarantined"] == 0, status
                    return
            except ControlError:
                pass
            await asyncio.sleep(0.1)


def _identity(point: dict[str, int | float | str], keys: dict[int, list[str]]) -> Identity:
    node = int(point["node"])
    values = tuple(int(point[key]) if key in point else None for key in keys[node])
    return node, int(point["epoch"]), int(point["seq"]), values


def compare(load: Load, stored: list[Identity], written: list[Identity]) -> None:
    """What was made, what is stored and what is in InfluxDB are the same records, each once."""
    made = load.identities
    assert len(stored) == len(set(stored)), "records stored twice"
    assert len(written) == len(set(written)), "points written twice"
    assert set(stored) == made, f"made and stored differ: {sorted(set(stored) ^ made, key=repr)[:5]}"
    assert set(written) == made, f"stored and written differ: {sorted(set(written) ^ made, key=repr)[:5]}"
