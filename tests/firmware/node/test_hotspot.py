"""A LoRa node takes a program at the technician's hotspot: real MicroPython, a real broker, the real gateway.

What it took proves itself by radio, or the old one comes back.
"""

import asyncio
import contextlib
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.virtual.board import State
from hardware.virtual.flash import PowerCut
from tests.firmware.hotspot_lab import SNOW, WAIT_S, Offer, hotspot_lab, press, press_until, told_the_time
from tools.update import signing
from tools.update.hotspot import Desk
from wire import control

FAILED = "......"  # what the LED shows then
CONFIRMED = "a - 0 7 7 0"  # the file that says which program starts
pytestmark = pytest.mark.servers


@pytest.fixture
async def lab(tmp_path):
    async with hotspot_lab(tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def desk_for(lab, offer):
    """The technician's desk, ready; yields it."""

    def running():
        return {SNOW: lab.said().get("firmware", "")}

    port = lab.settings["hotspot"]["port"]
    desk = Desk(lab.site.id, [SNOW], offer.manifest, offer.signed, offer.bundle, port, running)
    ready, until = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(desk.serve(lambda node, visit: None, until, ready.set))
    begun = asyncio.create_task(ready.wait())
    await asyncio.wait([work, begun], return_when=asyncio.FIRST_COMPLETED)
    begun.cancel()
    try:
        yield desk
    finally:
        until.set()
        await work


async def seen_at_desk(desk, *stages):
    async with asyncio.timeout(WAIT_S):
        while desk.visits[SNOW].stage not in stages:
            await asyncio.sleep(0.02)


async def slot_of(lab):
    """The line that says which program starts."""
    await lab.board.until(lambda: lab.board.asleep, WAIT_S)
    return lab.board.files().get("slot", b"").decode()


async def test_a_press_a_program_and_the_gateways_answer_by_radio(lab):
    async with desk_for(lab, Offer(lab)) as desk:
        await press_until(lab, "update 7: on trial")
        # held, looking, taking, taken; then what it shows at every start after a press
        assert re.match(r"-\.*[.-]---\.", lab.led.seen())
        await lab.until(lambda: desk.visits[SNOW].stage == "confirmed", 24)
        assert await slot_of(lab) == CONFIRMED
        assert lab.said()["firmware"] == "0.2.0"
    async with desk_for(lab, Offer(lab)) as desk:
        await press_until(lab, "runs 0.2.0 (7)")  # once more: there is nothing to do
        assert re.match(r"-\.*---", lab.led.seen())
        await seen_at_desk(desk, "runs")
    await lab.board.until(lambda: lab.board.asleep, WAIT_S)
    assert not [name for name in lab.board.files() if name.startswith("update.")]


async def test_without_the_gateways_answer_the_old_program_comes_back(lab):
    offer = Offer(lab)
    async with desk_for(lab, offer) as desk:
        lab.carrier.up = False
        await press_until(lab, "update 7: on trial")
        await seen_at_desk(desk, "taken")
        await lab.until(lambda: lab.board.asleep and lab.memory().counters[control.REVERTED - 1] == 1, 24)
        assert await slot_of(lab) == "- - 0 0 7 7"
        lab.carrier.up = True
        assert lab.said()["firmware"] == "0.1.0"
        await press_until(lab, "7 has been tried here and did not prove itself")
        await seen_at_desk(desk, "refused")
    assert FAILED in lab.led.seen()


async def comes_to_nothing(lab, flashes):
    """Press; what the light shows, and that the node goes back to its work soon."""
    records = lab.memory().next_seq
    await lab.board.until(lambda: lab.board.asleep, WAIT_S)
    lab.led.seen()
    async with asyncio.timeout(WAIT_S):
        await lab.button.hold_until_lit(lab.led)
    began_s = lab.clock.monotonic_s()
    lab.button.let_go()
    await lab.board.until(lambda: "hotspot " in lab.board.console.text(), WAIT_S)
    await lab.until(lambda: lab.board.asleep and lab.memory().next_seq > records, 1, step_s=1)
    assert lab.clock.monotonic_s() - began_s < 300  # not with its next wake
    assert lab.led.seen().startswith("-" + "." * flashes + FAILED)
    assert lab.memory().starts == 0
    assert await slot_of(lab) == ""


@pytest.mark.parametrize("trouble", ["no hotspot", "other password", "nobody there", "low battery"])
async def test_what_comes_to_nothing_ends_soon_and_the_node_goes_back_to_work(lab, trouble):
    if trouble == "no hotspot":
        lab.access_point.up = False
    elif trouble == "other password":
        lab.access_point.key = "gjettet"
    elif trouble == "low battery":
        lab.world["battery"] = 3.0
    await comes_to_nothing(lab, 20 if trouble in ("no hotspot", "other password") else 0)


async def test_a_broker_that_talks_nonsense(lab):
    async def nonsense(reader, writer):
        writer.write(b"\x20\x00")  # an answer with nothing in it
        await reader.read()
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", lab.settings["hotspot"]["port"]):
        await comes_to_nothing(lab, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)}, "does not fit"),
        ({"sha256": "ab" * 32}, "what arrived is not what was signed"),
    ],
)
async def test_what_a_strangers_hotspot_offers_is_refused(lab, changes, words):
    async with desk_for(lab, Offer(lab, **changes)) as desk:
        await press_until(lab, "update refused")
        await seen_at_desk(desk, "refused")
        assert words in desk.visits[SNOW].said
    assert FAILED in lab.led.seen()
    assert await slot_of(lab) == ""
    assert lab.memory().starts == 0


async def test_the_power_goes_while_it_is_taken(lab):
    async with desk_for(lab, Offer(lab)) as desk:
        for at in (100, 1200):  # while pieces come, and while they are unpacked
            await lab.board.until(lambda: lab.board.asleep, WAIT_S)
            lab.board.plan_power_cut(PowerCut(at, torn=True))
            await press(lab)
            if lab.board.state is not State.OFF:  # a piece was late: the cut comes at another place
                await lab.board.until(lambda: lab.board.asleep or lab.board.state is State.OFF, WAIT_S)
                await lab.board.power_cut()
            await lab.board.power_on()
            await told_the_time(lab)
            assert lab.said()["firmware"] == "0.1.0"
        await press_until(lab, "update 7: on trial")
        await lab.until(lambda: desk.visits[SNOW].stage == "confirmed", 24)
    assert await slot_of(lab) == CONFIRMED
