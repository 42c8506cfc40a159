"""Three real gateways with their syncs write into one database: the same node numbers, nobody in the way."""

import asyncio
import random
import re
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_sync.query import points
from device_configs.loader import SITES, load_site
from gateway.store import Reader
from tests.faults.kills import DATABASE, drained
from tests.faults.load import Identity, Load, load_nodes
from tools.programs import Gateway, Sync
from tools.servers import HOST, InfluxDB, Mosquitto, free_port

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


@dataclass(slots=True)
class Town:
    name: str
    state: Path
    gateway: Gateway
    sync: Sync
    load: Load


def site_folder(folder: Path, number: int) -> Path:
    """The demonstration site under another name."""
    copy = folder / f"town-{number}"
    shutil.copytree(SITES / "narvik-demo", copy)
    text = (copy / "site.yaml").read_text()
    text = re.sub(r"^id: .*$", f"id: town-{number}", text, flags=re.MULTILINE)
    text = re.sub(r"^gateway_id: .*$", f'gateway_id: "4e61720{number}"', text, flags=re.MULTILINE)
    (copy / "site.yaml").write_text(text)
    return copy


def town(folder: Path, number: int, broker: Mosquitto, influxdb: InfluxDB) -> Town:
    path = site_folder(folder, number)
    site = load_site(path)
    state = folder / f"state-{number}"
    state.mkdir()
    (state / "password").write_text("any")
    nodes = load_nodes(site, state, 100 + number)
    gateway = Gateway(state, path, f"{HOST}:{broker.port}", state / "password", free_port())
    sync = Sync(state, path, influxdb.url, "v1", DATABASE)
    return Town(site.id, state, gateway, sync, Load(site.id, broker.port, nodes))


async def test_three_towns_in_one_database(tmp_path: Path) -> None:
    chance = random.Random(9)
    with Mosquitto(tmp_path / "broker") as broker, InfluxDB(tmp_path / "influxdb") as influxdb:
        towns = [town(tmp_path, number, broker, influxdb) for number in (1, 2, 3)]
        async with AsyncExitStack() as stack:
            for one in towns:
                for program in (one.gateway, one.sync):
                    await asyncio.to_thread(program.start)
                    stack.push_async_callback(asyncio.to_thread, program.stop)
                running = asyncio.create_task(one.load.run())
                stack.callback(running.cancel)
            for _ in range(3):
                await asyncio.sleep(1)
                victim = chance.choice(towns).sync
                await asyncio.to_thread(victim.kill)
                await asyncio.to_thread(victim.start)
            for one in towns:
                await one.load.settled()
                await drained(one.sync)
        profiles = ("energy", "intake", "snow")
        written: dict[str, list[Identity]] = {one.name: [] for one in towns}
        site = load_site(SITES / "narvik-demo")
        keys = {node.id: [channel.key for channel in node.profile.channels] for node in site.nodes}
        for profile in profiles:
            for point in await points(influxdb.url, "v1", DATABASE, profile):
                node = int(point["node"])
                values = tuple(int(point[key]) if key in point else None for key in keys[node])
                written[str(point["site"])].append((node, int(point["epoch"]), int(point["seq"]), values))
    for one in towns:
        with Reader.open(one.state / "store.db") as reader:
            stored = list(reader.identities())
        assert len(stored) == len(set(stored)) > 50
        assert set(stored) == one.load.identities
        assert sorted(written[one.name], key=repr) == sorted(stored, key=repr)
