"""A LoRa node that knows the technician's hotspot, and somebody who presses its button."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.virtual.board import State
from hardware.virtual.wifi import AccessPoint
from tests.firmware.radio_lab import RadioLab
from tools.servers import free_port
from tools.update import bundle, signing

SNOW, BOARD = 21, "heltec-v3"
SSID, PASSWORD = "sensornett-service", "mellom fjell og fjord"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
WAIT_S = 120.0
SAID = re.compile("^(update|hotspot) .*$", re.MULTILINE)


@asynccontextmanager
async def hotspot_lab(folder: Path) -> AsyncIterator[RadioLab]:
    """A lab whose node has been told the time by the gateway."""
    lab = RadioLab(
        folder,
        SNOW,
        changes={"hotspot": {"ssid": SSID, "wifi_password": PASSWORD, "port": free_port()}},
        hotspot=lambda clock: AccessPoint(clock, SSID, PASSWORD),
    )
    trust = {"board": BOARD, "hardware": 1, "keys": [signing.public_of(KEY)]}
    lab.board.change({"trust.json": json.dumps(trust).encode()})
    await lab.start()
    try:
        await lab.board.power_on()
        await told_the_time(lab)
        yield lab
    finally:
        await lab.stop()


async def told_the_time(lab: RadioLab) -> None:
    await lab.until(lambda: lab.board.asleep and lab.memory().synced_s > 0, 24)


class Offer:
    """A program for the node, signed; `changes` are of its manifest."""

    def __init__(
        self, lab: RadioLab, number: int = 7, version: str = "0.2.0", key: Any = KEY, **changes: Any
    ) -> None:
        self.bundle = bundle.bundle_of(bundle.program(number, version))
        expires = max(round(time.time()), lab.clock.utc_ms() // 1000) + 30 * 86_400
        made = bundle.manifest_for(self.bundle, number, version, (BOARD,), 1, expires)
        self.manifest = replace(made, **changes)
        message = self.manifest.message()
        self.signed = message + signing.sign(message, key)


async def press(lab: RadioLab) -> str:
    """Hold the button as one does for the hotspot; returns what the node said of it.

    Time does not jump while it talks to the desk: a broker on a slow machine takes what it takes.
    """
    await lab.board.until(lambda: lab.board.asleep, WAIT_S)
    lab.led.seen()
    printed = len(lab.board.console.text())
    async with asyncio.timeout(WAIT_S):
        await lab.button.hold_until_lit(lab.led)
    lab.clock.hold()
    try:
        lab.button.let_go()
        await lab.board.until(
            lambda: bool(SAID.search(lab.board.console.text()[printed:])) or lab.board.state is State.OFF,
            WAIT_S,
        )
    finally:
        lab.clock.release()
    await lab.board.until(lambda: lab.board.asleep or lab.board.state is State.OFF, WAIT_S)
    return lab.board.console.text()[printed:]


async def press_until(lab: RadioLab, words: str) -> None:
    """Press until the node has said so: a broker on a busy machine may be too slow for it."""
    printed = ""
    for _ in range(20):
        printed = await press(lab)
        if words in printed:
            return
    raise AssertionError(printed)
