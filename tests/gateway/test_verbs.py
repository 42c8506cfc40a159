"""What the gateway answers at its socket, without one; tests/gateway/test_app.py asks a whole gateway."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from gateway.control import ControlError, Message
from gateway.model import Downlink, Uplink
from gateway.store.pruning import Limits
from gateway.store.upkeep import Upkeep
from gateway.verbs import Verbs
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import GATEWAY_ID, TalkingNode, record
from wire import control


class Radio:
    """A carrier that keeps what it is to send."""

    name = "lora"
    connected = True

    def __init__(self) -> None:
        self.counts = Counter({"not sent: no airtime": 2})
        self.sent: list[Downlink] = []

    async def uplinks(self) -> AsyncGenerator[Sequence[Uplink]]:
        yield []

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        self.sent += downlinks


class Asking:
    def __init__(self, bench: Bench) -> None:
        self.radio = Radio()
        self.upkeep = Upkeep(bench.store, Limits(), lambda: bench.now_ms)
        self._verbs = Verbs(
            "here", GATEWAY_ID, bench.store, bench.ingest, self.upkeep, [self.radio], [],
            lambda: bench.now_ms, lambda: bench.trusted, bench.now_ms,
        ).by_name()  # fmt: skip

    async def __call__(self, do: str, **more: Any) -> Message:
        return await self._verbs[do]({"do": do, **more})


@pytest.fixture
def asking(bench: Bench) -> Asking:
    return Asking(bench)


async def test_how_it_stands(bench: Bench, node: TalkingNode, asking: Asking) -> None:
    await bench.take(node.data(record(0), record(1)), b"\x00rubbish")
    started_ms, bench.now_ms = bench.now_ms, bench.now_ms + 5000
    told = await asking("status")
    assert (told["site"], told["gateway_id"]) == ("here", GATEWAY_ID.hex())
    assert (told["stored"], told["last_commit"], told["refusals"]) == (2, 2, {"malformed": 1})
    assert (told["started_at_ms"], told["now_ms"]) == (started_ms, bench.now_ms)
    assert told["carriers"] == [{"name": "lora", "connected": True, "counts": {"not sent: no airtime": 2}}]
    assert [(each["node"], each["stored"], each["welcomed"]) for each in told["nodes"]] == [
        (11, 2, True), (12, 0, False),
    ]  # fmt: skip
    assert told["nodes"][1]["last_seen_ms"] is None


async def test_a_node_is_asked_by_every_carrier(bench: Bench, node: TalkingNode, asking: Asking) -> None:
    assert await asking("ask", node=11) == {"node": 11}
    assert node.hear(asking.radio.sent) == {control.ASK: control.ASK_STATUS}


@pytest.mark.parametrize("node", [13, None, "11", {"a": 1}, [11], True])
async def test_a_node_that_is_none_is_not_asked(asking: Asking, node: object) -> None:
    with pytest.raises(ControlError, match="there is no node"):
        await asking("ask", node=node)
    assert asking.radio.sent == []


async def test_the_room_is_known_once_somebody_has_looked(asking: Asking) -> None:
    assert await asking("room") == {"room": None}
    await asking.upkeep.look()
    assert (await asking("room"))["room"]["state"] == "ok"


@pytest.mark.parametrize("told", [{}, {"spans": 5}, {"spans": [[1, 2]], "store_id": "zz"}])
async def test_what_sync_tells_has_a_form(asking: Asking, told: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="hexadecimal"):
        await asking("synced", **told)
