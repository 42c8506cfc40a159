"""A town that lives for one test: started whole, ended whatever happens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from device_configs.loader import SITES
from tools.servers import free_port
from tools.town import Api, Town

NARVIK = SITES / "narvik-demo"


@contextlib.asynccontextmanager
async def running(
    folder: Path, site: Path = NARVIK, *, api: Api = "v1", only: Sequence[int] = ()
) -> AsyncIterator[Town]:
    town = Town(folder, site, api=api, only=only, page_port=free_port())
    try:
        await town.start()
        yield town
    finally:
        await town.stop()


async def heard(town: Town, count: int, timeout_s: float = 60.0) -> None:
    """Wait until every node has at least `count` records in the store."""
    async with asyncio.timeout(timeout_s):
        while True:
            with town.reader() as reader:
                stored = reader.stored()
            if all(stored.get(node.id, 0) >= count for node in town.site.nodes):
                return
            await asyncio.sleep(0.2)


async def proved(town: Town) -> int:
    """End the sampling, let everything drain, and compare; return how many records there were."""
    await town.stop_sampling()
    await town.drain()
    found = await town.compare()
    assert found.differences == []
    assert found.measured == found.stored == found.synced
    assert found.measured == sum(resident.acked for resident in town.residents.values())
    with town.reader() as reader:
        assert sum(line.lost for line in reader.ledger()) == 0
    return found.measured
