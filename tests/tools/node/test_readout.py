"""The self-test of a node on a cable, by the real mpremote, and what a technician reads of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from device_configs.compile import node_settings, settings_bytes
from device_configs.loader import SITES, load_site
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.ds18b20 import Ds18b20
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import run, with_micropython
from tools.firmware_image import compiled
from tools.node.readout import lines
from tools.node.words import Words

SITE = load_site(SITES / "narvik-demo")
NODE = 21
TRUE = {"distance": 2400.0, "air": -6.0, "battery": 3.6}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[BoardOnBench]:
    node = SITE.node(NODE)
    wiring = wire(node, SITE.catalog, Surroundings.of(TRUE), RealClock())
    made = with_micropython("ttyUSB0", tmp_path, tmp_path / "ports", "esp32s3", wiring=wiring)
    settings = settings_bytes(node_settings(SITE, node, host="192.0.2.10", ssid="workshop"))
    made.board.install({**compiled(), "settings.json": settings})
    await made.plug()
    yield made
    await made.close()


async def test_each_sensor_is_read_and_a_broken_one_is_named(bench: BoardOnBench, capfd: Any) -> None:
    asked = ["node", "selftest", "--port", str(bench.port.path), "--verbose", "--lang"]
    said = await run(capfd, *asked, "en")
    assert said.status == 0, said.err
    rom = str((SITE.node(NODE).sensors or {})["air"]["rom"])
    told = said.err.splitlines()
    assert told[0] == "distance: 240 cm  (good)"
    assert "air: -6.0 °C  (good)" in told
    assert told[-3] == f"Temperature probes that answer: {rom}"
    assert told[-2].startswith("The node waits at its prompt now.")
    assert told[-1] == "Every part is well."

    (bus,) = bench.board.wiring.onewire.values()
    (probe,) = bus.devices
    assert isinstance(probe, Ds18b20)
    probe.fault = Fault.DISCONNECTED
    said = await run(capfd, *asked, "nb")
    assert said.status == 5
    told = said.err.splitlines()
    assert "distance: 240 cm  (god)" in told  # what is well is told too
    assert "air: ingen verdi  (sensorfeil)" in told
    assert "fant feil: air" in said.err
    assert "ds18b20" in told[-1]  # --verbose: in the driver's words


def test_a_node_with_an_older_program_says_no_units() -> None:
    found = {"channels": [["up", 6667, 0], ["battery", None, 1]]}
    assert list(lines(found, Words("en"))) == ["up: 6667  (good)", "battery: no value  (not measured)"]
    found |= {"quantities": [1, 4], "probes": ["28aa", "28bb"]}
    assert list(lines(found, Words("nb"))) == [
        "up: 6,67 mA  (god)",
        "battery: ingen verdi  (ikke målt)",
        "Temperaturfølere som svarer: 28aa, 28bb",
    ]
