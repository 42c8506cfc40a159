"""What sync tells the gateway."""

import asyncio
from pathlib import Path

from cloud_sync.daemon import _tell_gateway
from gateway.control import SOCKET_NAME, Control, Message

PATIENCE_S = 60


class Standing:
    """Stands in for a worker: what it has settled, and its troubles."""

    def __init__(self) -> None:
        self.spans = [(1, 9)]
        self.held = ""
        self.quarantined = 0
        self.looks = 0

    async def settled(self) -> tuple[bytes, list[tuple[int, int]]]:
        self.looks += 1
        return b"store-01", self.spans


class Gateway:
    def __init__(self, state: Path) -> None:
        self.told: list[Message] = []
        self.control = Control(state / SOCKET_NAME, {"synced": self._synced})

    async def _synced(self, message: Message) -> Message:
        self.told.append(message)
        return {"known": True}


async def looked(worker: Standing, times: int = 3) -> None:
    """Wait until sync has had that many occasions to tell."""
    until = worker.looks + times
    async with asyncio.timeout(PATIENCE_S):
        while worker.looks < until:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_troubles_are_told_each_time_and_the_rest_once(tmp_path: Path) -> None:
    gateway, worker = Gateway(tmp_path), Standing()
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(_tell_gateway(tmp_path, worker, 0.002))  # type: ignore[arg-type]
        await looked(worker)  # the gateway is away
        serving = tasks.create_task(gateway.control.serve())
        async with asyncio.timeout(PATIENCE_S):
            while not gateway.told:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await looked(worker)
        assert gateway.told == [
            {"do": "synced", "store_id": b"store-01".hex(), "spans": [[1, 9]], "held": "", "quarantined": 0}
        ]
        worker.quarantined = 2
        await looked(worker, 5)
        assert len(gateway.told) >= 3  # one that has started anew would know of them, too
        assert {message["quarantined"] for message in gateway.told[1:]} == {2}
        worker.quarantined = 0
        await looked(worker)
        count = len(gateway.told)
        assert gateway.told[-1]["quarantined"] == 0
        await looked(worker)
        assert len(gateway.told) == count
        telling.cancel()
        serving.cancel()
