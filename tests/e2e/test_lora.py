"""Nodes that have only LoRa: real MicroPython, an SX1262 on its bus, the air, and both ways to the gateway.

One node is heard by a packet forwarder's concentrator, the other by a USB bridge behind a serial port.
"""

import asyncio
from pathlib import Path

import pytest

from device_configs.loader import SITES
from tests.e2e.living_town import heard, proved
from tools.air import BRIDGE, CONCENTRATOR
from tools.radio_site import by_radio
from tools.servers import free_port
from tools.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(400)]

IN_THE_VALLEY, AT_THE_GATEWAY = NODES = 11, 12
# A node whose question was lost waits a while, at random, before it asks again.
PATIENCE_S = 120


async def test_nothing_is_lost_when_gateway_concentrator_and_bridge_are_away(tmp_path: Path) -> None:
    site = by_radio(SITES / "narvik-demo", tmp_path / "site")
    town = Town(
        tmp_path / "town", site, only=NODES, interval_s=3, valley=[IN_THE_VALLEY], page_port=free_port()
    )
    try:
        await town.start()
        assert town.gateway
        assert town.air
        await heard(town, 3, PATIENCE_S)
        await asyncio.to_thread(town.gateway.kill)
        await asyncio.sleep(5)
        await asyncio.to_thread(town.gateway.start)
        await town.air.close()
        await asyncio.sleep(5)
        await town.air.open()
        with town.reader() as reader:
            before = min(reader.stored().values())
        await heard(town, before + 3, PATIENCE_S)
        await proved(town)
        nodes = (await asyncio.to_thread(town.gateway.status))["nodes"]
        receivers = {node["node"]: {r["receiver"] for r in node["receptions"]} for node in nodes}  # type: ignore[attr-defined]
        assert receivers[IN_THE_VALLEY] == {CONCENTRATOR.hex()}
        assert len(receivers[AT_THE_GATEWAY]) == 1
        assert receivers[AT_THE_GATEWAY] != receivers[IN_THE_VALLEY]
        for sender in (*(f"node {node}" for node in NODES), CONCENTRATOR.hex(), BRIDGE):
            assert town.air.medium.busiest_hour_s(sender, 4) > 0, f"{sender} was never on the air"
    finally:
        await town.stop()
