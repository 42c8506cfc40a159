"""A carrier with ingest and a store behind it, in this process: what the radio benches put frames through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from gateway.carriers import Carrier
from gateway.ingest import Ingest
from gateway.store import Store
from tests.bench.figures import NotMeasured
from tests.bench.process import TIMEOUT_S
from tests.bench.traffic import GATEWAY_ID, SCHEMAS, key_of


@contextlib.asynccontextmanager
async def carried(
    carrier: Carrier, path: Path, nodes: int
) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Carry what `carrier` hears of so many nodes into a store at `path`.

    Gives a coroutine function that returns when so many further frames are through, answers included. In the
    end each frame but a node's introduction has to be a record in the store, or NotMeasured is raised.
    """
    store = Store.open(path)
    keys = {node: key_of(node) for node in range(1, nodes + 1)}
    ingest = Ingest(store, keys=keys, schemas=SCHEMAS, gateway_id=GATEWAY_ID)
    through, wanted, enough = 0, 0, asyncio.Event()

    async def carry() -> None:
        nonlocal through
        async with contextlib.aclosing(carrier.uplinks()) as uplinks:
            async for batch in uplinks:
                await carrier.send(await ingest.accept(batch))
                through += len(batch)
                if through >= wanted:
                    enough.set()

    async def until(frames: int) -> None:
        nonlocal wanted
        wanted += frames
        if through < wanted:
            enough.clear()
            async with asyncio.timeout(TIMEOUT_S):
                await enough.wait()

    task = asyncio.create_task(carry())
    try:
        yield until
        if sum(store.reader.stored().values()) != wanted - nodes:
            raise NotMeasured(f"{wanted - nodes} records were sent, {store.reader.stored()} are stored")
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await store.close()
