"""The technician's desk: what a node's words come to, and who may do what at its broker."""

import asyncio
from pathlib import Path

import pytest
from aiomqtt import Client

from gateway.carriers.mqtt import Broker
from tools.servers import HOST, free_port
from tools.update.bundle import manifest_for
from tools.update.carry import Offers
from tools.update.hotspot import Desk, Visit, taken_port, visit_of

NODE = 21
WAIT_S = 60.0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("7: 28 of 112 pieces", Visit("taking", 0.25)),
        ("7: on trial", Visit("taken", 1.0)),
        ("runs 0.2.0 (7)", Visit("runs")),
        ("runs 0.3.0 (8)", Visit("runs")),
        ("runs 0.1.0 (6)", Visit("refused", said="runs 0.1.0 (6)")),
        ("refused: it expired 2 h ago", Visit("refused", said="it expired 2 h ago")),
        ("no heap left for it now", Visit("refused", said="no heap left for it now")),
        ("6: on trial", Visit("refused", said="6: on trial")),
    ],
)
def test_what_a_nodes_words_come_to(said: str, expected: Visit) -> None:
    assert visit_of(said, 7) == expected


def test_a_port_that_is_taken() -> None:
    port = free_port()
    assert not taken_port(port)


@pytest.mark.servers
async def test_strangers_may_read_and_talk_but_not_offer() -> None:
    port, bundle = free_port(), bytes(range(256)) * 9
    manifest = manifest_for(bundle, 7, "0.2.0", ("heltec-v3",), 1, 2_000_000_000)
    desk = Desk("s", [NODE], manifest, b"signed", bundle, port)
    told: list[tuple[int, Visit]] = []
    ready, until = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(desk.serve(lambda node, visit: told.append((node, visit)), until, ready.set))
    async with asyncio.timeout(WAIT_S):
        await ready.wait()
        assert taken_port(port)
        async with Client(HOST, port) as stranger:
            await stranger.publish(f"sn/s/{NODE}/offer", b"forged", qos=1, retain=True)
            await stranger.publish("sn/s/fw/x/0", b"forged", qos=1, retain=True)
            await stranger.subscribe(f"sn/s/{NODE}/offer")
            await stranger.subscribe("sn/s/fw/#")
            found = {}
            async for message in stranger.messages:
                found[str(message.topic)] = message.payload
                if len(found) == 4:  # the offer, and three pieces
                    break
            assert found.pop(f"sn/s/{NODE}/offer") == b"signed"
            assert b"forged" not in found.values()
            await stranger.publish(f"sn/s/{NODE}/said", b"7: on \x1b[2Jtrial", qos=1)
            await stranger.publish(f"sn/s/{NODE}/said", b"7: on trial", qos=1)
        await work
    assert told[-1] == (NODE, Visit("taken", 1.0))
    assert all("\x1b" not in visit.said for _, visit in told)
    assert desk.missing == []


@pytest.mark.servers
async def test_a_wrong_password_is_no_way_in(tmp_path: Path) -> None:
    port = free_port()
    manifest = manifest_for(b"x", 7, "0.2.0", ("heltec-v3",), 1, 2_000_000_000)
    ready, until = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(
        Desk("s", [NODE], manifest, b"signed", b"x", port).serve(lambda *_: None, until, ready.set)
    )
    async with asyncio.timeout(WAIT_S):
        await ready.wait()
        with pytest.raises(Exception, match="Not authorized"):
            async with Offers("s", Broker(HOST, port, "desk", "guessed")):
                pass
        until.set()
        await work
