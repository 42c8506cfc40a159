"""Nodes that have only LoRa: real MicroPython, an SX1262 on its bus, the air, a packet forwarder."""

import asyncio
import shutil
from pathlib import Path

import pytest

from device_configs.loader import SITES
from tools.servers import free_port
from tools.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

RADIO = "\nlora: {frequency_khz: 869525, spreading_factor: 7, bandwidth_khz: 125, power_dbm: 14}\n"
NODES = (11, 21)


def site_with_radio(folder: Path) -> Path:
    site = folder / "narvik-demo"
    shutil.copytree(SITES / "narvik-demo", site)
    (site / "site.yaml").write_text((site / "site.yaml").read_text() + RADIO)
    nodes = (site / "nodes.yaml").read_text()
    (site / "nodes.yaml").write_text(nodes.replace("carrier: mqtt", "carrier: lora", 4))
    return site


async def stored(town: Town, count: int, timeout_s: float = 60.0) -> None:
    """Wait until every node has at least `count` records in the store."""
    async with asyncio.timeout(timeout_s):
        while True:
            with town.reader() as reader:
                found = reader.stored()
            if all(found.get(node.id, 0) >= count for node in town.site.nodes):
                return
            await asyncio.sleep(0.2)


async def test_nothing_is_lost_when_gateway_and_concentrator_are_away(tmp_path: Path) -> None:
    town = Town(tmp_path / "town", site_with_radio(tmp_path), only=NODES, interval_s=3, page_port=free_port())
    try:
        await town.start()
        assert town.gateway
        assert town.air
        await stored(town, 3)
        await asyncio.to_thread(town.gateway.kill)
        await asyncio.sleep(5)
        await asyncio.to_thread(town.gateway.start)
        town.air.close()
        await asyncio.sleep(5)
        await town.air.open()
        with town.reader() as reader:
            before = min(reader.stored().values())
        await stored(town, before + 3)
        await town.stop_sampling()
        await town.drain()
        found = await town.compare()
        assert found.differences == []
        assert found.measured == found.stored == found.synced
        for node in NODES:
            assert town.air.medium.busiest_hour_s(f"node {node}", 4) > 0
    finally:
        await town.stop()
