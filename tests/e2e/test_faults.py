"""The whole town while things break: in the end flash, store and database hold the same records."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.living_town import heard, proved, running
from tools.town import Api

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_nothing_acknowledged_is_lost_when_each_part_fails_in_turn(tmp_path: Path, api: Api) -> None:
    async with running(tmp_path, api=api) as town:
        assert town.gateway
        assert town.sync
        await heard(town, 1)

        # VictoriaMetrics confirms what is only in its memory and loses it when killed: measured here, and
        # beyond what a writer can see. InfluxDB 1.6 keeps what it confirmed.
        await asyncio.to_thread(town.database.kill if api == "v1" else town.database.stop)
        await asyncio.to_thread(town.gateway.kill)
        await asyncio.sleep(5)  # the nodes go on sampling, and nobody hears them
        await asyncio.to_thread(town.gateway.start)

        await asyncio.to_thread(town.broker.restart)
        town.access_point.up = False
        await asyncio.sleep(3)
        town.access_point.up = True

        dark = town.residents[town.site.nodes[0].id].board
        await dark.power_cut()
        await asyncio.sleep(1)
        await dark.power_on()

        await asyncio.to_thread(town.sync.kill)
        await asyncio.to_thread(town.database.start)
        await asyncio.to_thread(town.sync.start)

        before = int(str(town.gateway.status()["stored"]))
        await heard(town, 3)
        async with asyncio.timeout(60):
            while int(str(town.gateway.status()["stored"])) <= before:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert await proved(town) > before
