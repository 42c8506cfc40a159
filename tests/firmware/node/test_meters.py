"""Meters a building may have besides the grid company's: from the chip to the gateway's store."""

import json
from pathlib import Path

import pytest

from hardware.virtual.archive_image import read_archive
from hardware.virtual.chips.chip import Fault
from tests.tools.node.bench import site_with
from wire.quantities import ESTIMATED, FAULT

MODBUS, PULSES = 41, 42
PLACE = {
    "place": "Teknisk rom",
    "latitude": 68.4385,
    "longitude": 17.4273,
    "carrier": "mqtt",
    "interval_s": 60,
}
NODES = [
    {
        "id": MODBUS, "name": "Undermåler", "profile": "energy-modbus", "board": "generic-esp32-sx1262",
        "sensors": {"meter": {"address": 7, "baud": 19_200}}, **PLACE,
    },
    {
        "id": PULSES, "name": "Varmepumpe", "profile": "energy-pulses", "board": "generic-esp32-sx1262",
        "sensors": {"meter": {"pulses_per_kwh": 500}}, **PLACE,
    },
]  # fmt: skip
TRUE = {
    "import_power": 0.0, "export_power": 1234.0, "import_energy": 16_777_217.0, "export_energy": 5000.0,
    "l1_current": 5300.0, "l2_current": 0.0, "l3_current": 12_000.0,
    "l1_phase": 2301.0, "l2_phase": 2298.0, "l3_phase": 2310.0,
    "import_reactive_energy": 77_000.0, "export_reactive_energy": 9.0,
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return site_with(tmp_path, json.loads(json.dumps(NODES)))


def stored(lab, node):
    with lab.reader() as reader:
        return [(record.values, record.quality) for record in reader.history(node, 0, 1 << 40)]


async def test_an_sdm630_is_asked_and_its_answers_reach_the_store(lab, site):
    lab = await lab(MODBUS, site=site, world=TRUE)
    await lab.board.power_on()
    await lab.clock.sleep(400)
    values, quality = stored(lab, MODBUS)[-1]
    assert values == (0, 1234, 16_777_217, 5000, 5300, 0, 12_000, 2301, 2298, 2310, 77_000, 9)
    assert quality == (0,) * 12
    meter = lab.board.wiring.uart[0].chip
    meter.fault = Fault.DISCONNECTED
    await lab.clock.sleep(400)
    assert stored(lab, MODBUS)[-1] == ((None,) * 12, (FAULT,) * 12)
    meter.fault = Fault.NONE
    lab.world["import_energy"] = 12.0  # somebody has cleared it
    await lab.clock.sleep(400)
    (event,) = lab.said()["registers"]
    assert event[2:] == [1, None, None, [[2, 16_777_217, 12]]]
    await lab.board.power_cut()
    assert next(hour.registers for hour in read_archive(lab.board.files())) == {
        2: 16_777_217, 3: 5000, 10: 77_000, 11: 9,
    }  # fmt: skip


async def consume(lab, wh):
    """Pulse by pulse, of 2 Wh each: the virtual node serves interrupts between two steps of its program."""
    for _ in range(wh // 2):
        lab.world["import_energy"] += 2
        await lab.clock.sleep(2.5)


async def test_s0_pulses_are_counted_and_go_on_after_a_power_cut(lab, site):
    lab = await lab(PULSES, site=site, world={"import_energy": 0.0})
    await lab.board.power_on()
    await lab.clock.sleep(70)
    await consume(lab, 60)
    await lab.clock.sleep(200)
    assert stored(lab, PULSES)[-1] == ((60,), (0,))
    await lab.board.power_cut()
    lab.world["import_energy"] = 100.0  # nobody counts
    await lab.board.power_on()
    await lab.clock.sleep(70)
    await consume(lab, 20)
    await lab.clock.sleep(200)
    found = stored(lab, PULSES)
    assert found[-1] == ((80,), (0,))
    assert [values[0] for values, _ in found] == sorted(values[0] for values, _ in found)
    assert [quality[0] for _, quality in found].count(ESTIMATED) == 2
    assert "registers" not in lab.said()
