"""Attacks through the broker: by strangers, and by whoever has got hold of one node."""

import asyncio
import os
import socket
from contextlib import suppress

import aiomqtt
import pytest

from tests.security.attacked import EVIL, NODE, Attacked
from tests.tools.installation.staged import SITE_ID
from wire.frame import ACK_REQUESTED, CONTROL, DATA

pytestmark = pytest.mark.servers
UP = f"sn/{SITE_ID}/{EVIL}/up"
HEADER = 6

# Each begins like a control body and wants more than it brings, or unfolds.
CBOR_BOMBS = {
    "nested lists": b"\x81" * 4000,
    "nested maps": b"\xa1\x01" * 2000,
    "endless list": b"\x9f" * 4000,
    "a map of 2^64 pairs": b"\xbb" + b"\xff" * 8,
    "a list of 2^32 items": b"\x9a\xff\xff\xff\xff",
    "a text of 2^32 bytes": b"\x7a\xff\xff\xff\xff",
    "the same key twice": b"\xa2\x01\x02\x01\x03",
    "a tag": b"\xc2\x49" + b"\xff" * 9,
    "a big number": b"\x1b" + b"\xff" * 8,
    "nothing": b"",
    "a map and more": b"\xa0\x00",
    "noise": bytes(range(256)),
}


async def flood(client: aiomqtt.Client, topic: str, payloads: list[bytes]) -> None:
    for payload in payloads:
        await client.publish(topic, payload)


async def test_noise_and_forged_frames_are_counted_and_nothing_else(attacked: Attacked) -> None:
    before = attacked.refused().get("malformed", 0)
    forged = [bytes([0x40]) + EVIL.to_bytes(2, "big") + os.urandom(60) for _ in range(50)]
    async with attacked.client(EVIL) as client:
        await flood(client, UP, [os.urandom(n) for n in range(64)] + forged)
        await attacked.goes_on()
    await attacked.refused_rise("malformed", before)


async def test_a_flood_by_one_node_does_not_keep_another_from_being_acknowledged(attacked: Attacked) -> None:
    async with attacked.client(EVIL) as client, asyncio.TaskGroup() as tasks:
        flooding = tasks.create_task(flood(client, UP, [os.urandom(200) for _ in range(20_000)]))
        for _ in range(5):
            await attacked.goes_on()
        flooding.cancel()


async def test_a_node_cannot_speak_for_another_with_its_own_frames(attacked: Attacked) -> None:
    """The evil node sends sealed frames that claim to be the honest one's; its key does not fit."""
    before = attacked.refused().get("bad_tag", 0)
    frame = bytearray(attacked.evil.status())
    own, other = EVIL.to_bytes(2, "big"), NODE.to_bytes(2, "big")
    at = bytes(frame[:HEADER]).index(own)
    frame[at : at + 2] = other
    async with attacked.client(EVIL) as client:
        await flood(client, UP, [bytes(frame)])
        await attacked.refused_rise("bad_tag", before)
    await attacked.goes_on()


async def test_a_replayed_frame_is_refused(attacked: Attacked) -> None:
    frame = attacked.evil.status()
    before = attacked.refused().get("replay", 0)
    async with attacked.client(EVIL) as client:
        await flood(client, UP, [frame] * 20)
        await attacked.refused_rise("replay", before + 18)
    await attacked.goes_on()


@pytest.mark.parametrize("kind", [CONTROL, DATA])
@pytest.mark.parametrize("bomb", CBOR_BOMBS)
async def test_an_authentic_body_that_is_a_bomb(attacked: Attacked, bomb: str, kind: int) -> None:
    """Sealed with the node's true key: the tag is right, what is inside is not."""
    before = sum(attacked.refused().values())
    frame = attacked.evil.seal(kind, ACK_REQUESTED, CBOR_BOMBS[bomb])
    async with attacked.client(EVIL) as client:
        await flood(client, UP, [frame])
        async with asyncio.timeout(60):
            while sum(attacked.refused().values()) <= before:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.02)
    await attacked.goes_on()


async def test_a_packet_that_is_too_large_ends_its_sender(attacked: Attacked) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await send_too_much(attacked)
    assert caught.group_contains(aiomqtt.MqttError)
    await attacked.goes_on()


async def send_too_much(attacked: Attacked) -> None:
    async with attacked.client(EVIL) as client, asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.publish(UP, b"x" * (1 << 20), timeout=60))
        try:
            await anext(client.messages)  # nothing comes but the end of the connection
        finally:
            sending.cancel()


async def test_nothing_is_left_for_others_in_their_topics(attacked: Attacked) -> None:
    async with attacked.client(EVIL) as client:
        for topic in (
            f"sn/{SITE_ID}/{NODE}/down",
            f"sn/{SITE_ID}/{NODE}/offer",
            f"sn/{SITE_ID}/fw/x/0",
            "$SYS/x",
        ):
            with suppress(aiomqtt.MqttError):
                await client.publish(topic, b"left", qos=1, retain=True, timeout=60)
    async with attacked.client(NODE) as client:
        await client.subscribe([(f"sn/{SITE_ID}/{NODE}/{what}", 0) for what in ("down", "offer")])
        await client.subscribe(f"sn/{SITE_ID}/fw/#")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(client.messages)
    await attacked.goes_on()


async def test_strangers_that_connect_and_say_nothing(attacked: Attacked) -> None:
    silent = [socket.create_connection(("127.0.0.1", attacked.broker.port), timeout=60) for _ in range(300)]
    try:
        for connection in silent[::2]:
            connection.sendall(os.urandom(100))
        await attacked.goes_on()
    finally:
        for connection in silent:
            connection.close()


async def test_guessing_passwords_gets_nowhere_and_disturbs_nobody(attacked: Attacked) -> None:
    async def guess(word: str) -> bool:
        try:
            async with aiomqtt.Client(
                "localhost", attacked.broker.port, username=f"n{NODE}", password=word,
                tls_context=attacked.broker.tls, timeout=60,
            ):  # fmt: skip
                return True
        except aiomqtt.MqttError:
            return False

    guesses = ["", "n11", "password", "sensornett", "gateway", *(f"guess-{i}" for i in range(20))]
    assert not any([await guess(word) for word in guesses])
    await attacked.goes_on()
