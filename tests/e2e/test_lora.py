"""Nodes that have only LoRa: real MicroPython, an SX1262 on its bus, the air, a packet forwarder."""

import asyncio
import shutil
from pathlib import Path

import pytest

from device_configs.loader import SITES
from tests.e2e.living_town import heard, proved
from tools.servers import free_port
from tools.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(400)]

RADIO = "\nlora: {frequency_khz: 869525, spreading_factor: 7, bandwidth_khz: 125, power_dbm: 14}\n"
NODES = (11, 21)


def site_with_radio(folder: Path) -> Path:
    site = folder / "narvik-demo"
    shutil.copytree(SITES / "narvik-demo", site)
    (site / "site.yaml").write_text((site / "site.yaml").read_text() + RADIO)
    nodes = (site / "nodes.yaml").read_text()
    (site / "nodes.yaml").write_text(nodes.replace("carrier: mqtt", "carrier: lora", 4))
    return site


# A node whose question was lost waits a while, at random, before it asks again.
PATIENCE_S = 120


async def test_nothing_is_lost_when_gateway_and_concentrator_are_away(tmp_path: Path) -> None:
    town = Town(tmp_path / "town", site_with_radio(tmp_path), only=NODES, interval_s=3, page_port=free_port())
    try:
        await town.start()
        assert town.gateway
        assert town.air
        await heard(town, 3, PATIENCE_S)
        await asyncio.to_thread(town.gateway.kill)
        await asyncio.sleep(5)
        await asyncio.to_thread(town.gateway.start)
        town.air.close()
        await asyncio.sleep(5)
        await town.air.open()
        with town.reader() as reader:
            before = min(reader.stored().values())
        await heard(town, before + 3, PATIENCE_S)
        await proved(town)
        for node in NODES:
            assert town.air.medium.busiest_hour_s(f"node {node}", 4) > 0
    finally:
        await town.stop()
