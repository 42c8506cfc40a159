"""Updates through a real broker to a node in real MicroPython, with the real gateway beside it."""

import asyncio
import json
import math
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.carriers.mqtt import Broker
from tests.firmware.lab import Lab
from tools.servers import HOST, Mosquitto, free_port
from tools.update import bundle, signing
from tools.update.carry import Offers, Stopped, Wave, waves_of

SNOW = 21
BOARD = "heltec-v3"
PATIENT_S = 180  # of ours
KEY = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
pytestmark = pytest.mark.servers


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    made = Lab(tmp_path, SNOW)
    trust = {"board": BOARD, "hardware": 1, "keys": ["f" * 768, signing.public_of(KEY)]}
    made.board.change({"trust.json": json.dumps(trust).encode()})
    await made.start()
    yield made
    await made.stop()


def signed(number: int, version: str, lab: Lab, **changes: Any) -> tuple[bytes, bytes, bundle.Manifest]:
    """A bundle, its signed manifest, and the manifest."""
    made = bundle.bundle_of(bundle.program(number, version))
    expires = lab.clock.utc_ms() // 1000 + 30 * 86_400
    manifest = replace(bundle.manifest_for(made, number, version, (BOARD,), 1, expires), **changes)
    message = manifest.message()
    return made, message + signing.sign(message, KEY), manifest


async def roll_out(
    lab: Lab, made: bytes, offer: bytes, manifest: bundle.Manifest, hours: float = math.inf
) -> Wave:
    """Roll out to the one node, which starts when the offer waits for it. Raises Stopped.

    `hours`: by the lab's clock, after which nothing more is waited for.
    """
    wave, offered = Wave((SNOW,)), asyncio.Event()

    def running() -> Mapping[int, str]:
        with lab.reader() as reader:
            return {known.node: json.loads(known.status).get("firmware", "") for known in reader.nodes()}

    def told(_: Wave) -> None:
        offered.set()

    async with Offers(lab.site.id, Broker(HOST, lab.port)) as offers:
        await offers.put(made, manifest.sha256)
        work = asyncio.create_task(offers.roll_out([wave], offer, manifest.version, running, PATIENT_S, told))
        await offered.wait()
        await lab.board.power_on()
        end_ms = lab.clock.utc_ms() + hours * 3_600_000
        while not work.done() and lab.clock.utc_ms() < end_ms:  # noqa: ASYNC110  time is the lab's
            await asyncio.sleep(0.2)
        if not work.done():
            work.cancel()
            raise Stopped(wave)
        await work
    return wave


async def test_a_node_takes_an_update_and_confirms_it(lab: Lab) -> None:
    wave = await roll_out(lab, *signed(7, "0.2.0", lab))
    assert wave.done == [SNOW]
    await lab.wakes(2)
    await lab.board.power_cut()
    files = lab.board.files()
    assert files["slot"].split() == [b"a", b"-", b"0", b"7", b"7", b"0"]
    assert not [name for name in files if name.startswith("update.")]


def test_waves_begin_small() -> None:
    assert [wave.nodes for wave in waves_of(range(9))] == [(0,), (1, 2, 3, 4, 5), (6, 7, 8)]
    assert [wave.nodes for wave in waves_of([4])] == [(4,)]


async def test_who_breaks_off_takes_the_offers_back() -> None:
    port, offered = free_port(), asyncio.Event()
    waves = [Wave((11,)), Wave((12,))]
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder), port)
        await asyncio.to_thread(broker.start)
        try:
            async with Offers("s", Broker(HOST, port)) as offers, Client(HOST, port) as looker:
                await looker.subscribe("sn/s/+/offer", qos=1)
                work = asyncio.create_task(
                    offers.roll_out(waves, b"signed", "0.2.0", dict, PATIENT_S, lambda wave: offered.set())
                )
                async with asyncio.timeout(PATIENT_S):
                    await offered.wait()
                    work.cancel()  # what Ctrl-C does
                    with pytest.raises(asyncio.CancelledError):
                        await work
                    seen: list[tuple[str, bytes]] = []
                    async for message in looker.messages:
                        seen.append((str(message.topic), bytes(message.payload)))
                        if not message.payload:
                            break
        finally:
            await asyncio.to_thread(broker.stop)
    assert seen == [("sn/s/11/offer", b"signed"), ("sn/s/11/offer", b"")]
    assert [wave.begun for wave in waves] == [True, False]


async def test_a_program_that_can_not_start_is_given_up(lab: Lab) -> None:
    files = bundle.program(8, "0.3.0")
    files["node/app.mpy"] = b"no bytecode at all"
    made = bundle.bundle_of(files)
    _, _, sound = signed(8, "0.3.0", lab)
    broken = bundle.manifest_for(made, 8, "0.3.0", (BOARD,), 1, sound.expires)
    offer = broken.message() + signing.sign(broken.message(), KEY)
    with pytest.raises(Stopped) as stopped:
        await roll_out(lab, made, offer, broken, hours=6)
    assert stopped.value.wave.refused or stopped.value.wave.waiting == [SNOW]
    assert lab.said()["firmware"] == "0.1.0"
    await lab.board.power_cut()
    assert lab.board.files()["slot"].split() == [b"-", b"-", b"0", b"0", b"8", b"8"]
    assert "update 8: on trial" in lab.board.console.text()


async def test_a_refusal_reaches_whoever_offered(lab: Lab) -> None:
    made, _, manifest = signed(9, "0.9.0", lab)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
    with pytest.raises(Stopped) as stopped:
        await roll_out(lab, made, manifest.message() + signing.sign(manifest.message(), stranger), manifest)
    assert "its signature does not fit" in stopped.value.wave.refused[SNOW]
    await lab.board.power_cut()
    assert not [name for name in lab.board.files() if name.startswith("update.")]
