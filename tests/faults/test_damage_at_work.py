"""The store is destroyed under a running gateway: it starts anew by itself, and goes on."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import pytest

from device_configs.loader import load_site
from gateway.control import ControlError
from tests.faults.kills import SITE
from tests.faults.load import Load, load_nodes
from tests.faults.on_card import page
from tests.faults.told import Told, channels_to
from tools.programs import Gateway
from tools.servers import HOST, Mosquitto, free_port

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


def destroy(state: Path) -> None:
    """Rubbish over everything, in the files as they are: what is open stays open."""
    for name in ("store.db", "store.db-wal"):
        path = state / name
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))


def conditions(gateway: Gateway) -> list[str]:
    try:
        told: Any = gateway.status()["conditions"]
    except ControlError:
        return []  # it is just starting anew
    return [condition["name"] for condition in told]


async def test_a_store_destroyed_at_work(tmp_path: Path) -> None:
    site = load_site(SITE)
    state = tmp_path / "gateway"
    state.mkdir()
    (state / "password").write_text("any")
    nodes = load_nodes(site, state, 3)
    with Mosquitto(tmp_path / "broker") as broker, Told() as told:
        channels_to(state, told.port)
        gateway = Gateway(state, SITE, f"{HOST}:{broker.port}", state / "password", free_port())
        load = Load(site.id, broker.port, nodes)
        running = asyncio.create_task(load.run())
        try:
            await asyncio.to_thread(gateway.start)
            pid, store_id = gateway.pid, gateway.status()["store_id"]
            while sum(len(node.acknowledged) for node in nodes) < 100:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await asyncio.to_thread(destroy, state)
            async with asyncio.timeout(120):
                while "salvaged" not in await asyncio.to_thread(conditions, gateway):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            assert gateway.pid == pid  # the same process, begun anew
            assert gateway.status()["store_id"] != store_id
            await load.settled()
            async with asyncio.timeout(120):
                while not told.says("Lageret på gatewayen var skadet"):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                while "store was damaged" not in await asyncio.to_thread(page, gateway):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            assert len(list(state.glob("store.db.damaged-*"))) >= 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await asyncio.to_thread(gateway.stop)
