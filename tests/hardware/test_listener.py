"""A gateway's way to a bench's radio: it can come and go, and it is known while it has something in hands."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.model import Downlink, Reception, Uplink
from hardware.listener import Listener, Way, nearest_db
from hardware.protocols import InstrumentError
from hardware.virtual.clock import ManualClock


def uplink(payload: bytes) -> Uplink:
    at = Reception("bench", -80, 7.5, 0, 868_300, 9, 125)
    return Uplink(payload, 1_000, "lora", -80, 7.5, (at,))


async def nowhere(downlinks: Sequence[Downlink]) -> None:
    """Nobody hears it."""


async def test_a_gateway_is_at_work_from_what_is_heard_until_it_asks_for_more() -> None:
    states: list[bool] = []
    way = Way(nowhere, states.append)
    way.put(uplink(b"before there was a gateway"))
    assert states == []
    uplinks = way.uplinks()
    first = asyncio.ensure_future(anext(uplinks))
    await asyncio.sleep(0)
    way.put(uplink(b"one"))
    way.put(uplink(b"two"))
    assert [u.frame for u in await first] == [b"one", b"two"]
    assert set(states) == {True}
    second = asyncio.ensure_future(anext(uplinks))
    await asyncio.sleep(0)
    assert states[-1] is False
    way.put(uplink(b"three"))
    assert [u.frame for u in await second] == [b"three"]
    await uplinks.aclose()  # it is killed with something in hands
    assert states[-1] is False
    way.put(uplink(b"after it"))
    assert states[-1] is False


async def test_what_was_heard_is_kept_whether_or_not_there_is_a_gateway() -> None:
    listener = Listener(ManualClock(), 30.0, None)
    listener._deliver(uplink(b"alone"))
    uplinks = listener.carrier().uplinks()
    coming = asyncio.ensure_future(anext(uplinks))
    await asyncio.sleep(0)
    listener._deliver(uplink(b"heard by both"))
    assert [u.frame for u in await coming] == [b"heard by both"]
    await uplinks.aclose()
    assert [frame.payload for frame in listener.heard()] == [b"alone", b"heard by both"]
    assert listener.heard()[0].snr_db == 7.5
    assert listener.heard()[0].ended_ms == 1_000


class Quarters:
    step_db, most_db = 0.25, 31.75

    async def set(self, db: float) -> float:
        return nearest_db(self, db)


async def test_a_loss_is_set_to_the_nearest_and_kept_with_its_time() -> None:
    listener = Listener(ManualClock(1_000), 30.0, Quarters())
    assert await listener.attenuate(10.1) == 10.0
    assert await listener.attenuate(31.75) == 31.75
    for db in (-1, 32):
        with pytest.raises(InstrumentError, match=r"can not be set: .* from 0 to 31\.75 dB"):
            await listener.attenuate(db)
    assert listener.losses == [(1_000, 10.0), (1_000, 31.75)]
