"""A node with Wi-Fi and LoRa: real MicroPython, broker, air and gateway; over to the other, and back."""

import asyncio

import pytest

from node.choice import AFTER, RETURNS
from tests.firmware.lab import Lab
from tests.firmware.radio_lab import AirCarrier, site_with_radio
from wire import control

SNOW = 21
OTHER = "board: generic-esp32-sx1262\n    carrier: mqtt\n    fallback: lora"


@pytest.fixture
async def lab(tmp_path):
    """Node 21 reports over Wi-Fi, and by LoRa where that is silent."""
    site = site_with_radio(tmp_path)
    nodes = (site / "nodes.yaml").read_text()
    before, own, after = nodes.partition(f"- id: {SNOW}")
    after = after.replace("carrier: lora", "carrier: mqtt\n    fallback: lora", 1)
    (site / "nodes.yaml").write_text(before + own + after)
    made = Lab(tmp_path / "lab", SNOW, site=site)
    made.more_carriers = lambda: [AirCarrier(made.site, made.medium, made.clock)]
    await made.start()
    yield made
    await made.stop()


def came_by(lab):
    """By which carrier each record came, in order."""
    with lab.reader() as reader:
        return [record.carrier for record in reader.history(SNOW, 0, 1 << 40)]


async def at_a_standstill(lab, action):
    """Servers take real time to stop and start: the virtual one waits for them."""
    lab.clock.hold()
    await asyncio.to_thread(action)
    lab.clock.release()


async def test_it_goes_over_to_lora_and_comes_back_to_wi_fi(lab):
    await lab.board.power_on()
    await lab.wakes(2)
    assert came_by(lab) == ["mqtt"] * 3
    lab.access_point.up = False
    await lab.wakes(AFTER)
    assert lab.state().counters[control.CARRIER - 1] == 1
    await lab.wakes(AFTER)
    found = came_by(lab)
    assert len(found) >= 3 + AFTER
    assert set(found[3:]) == {"lora"}
    lab.access_point.up = True
    await lab.wakes(AFTER + RETURNS)
    assert lab.state().counters[control.CARRIER - 1] == 2
    assert came_by(lab)[-RETURNS:] == ["mqtt"] * RETURNS
    await lab.wakes(1)
    with lab.reader() as reader:
        stored = [record.seq for record in reader.history(SNOW, 0, 1 << 40)]
    assert stored == [record.seq for record in lab.flash()]


async def test_a_node_on_mains_goes_over_and_comes_back_too(tmp_path):
    (tmp_path / "site").mkdir()
    path = site_with_radio(tmp_path / "site")
    nodes = (path / "nodes.yaml").read_text()
    before, own, after = nodes.partition("- id: 31")
    after = after.replace("board: esp32-han\n    carrier: mqtt", OTHER, 1)
    after = after.replace("interval_s: 60", "interval_s: 600", 1)
    (path / "nodes.yaml").write_text(before + own + after)
    lab = Lab(tmp_path / "lab", 31, site=path, list_s=30.0)
    lab.more_carriers = lambda: [AirCarrier(lab.site, lab.medium, lab.clock)]
    await lab.start()
    try:
        await lab.board.power_on()
        await lab.clock.sleep(1500)
        await at_a_standstill(lab, lab.broker.stop)
        await lab.clock.sleep(3600)
        with lab.reader() as reader:
            by_radio = [r for r in reader.history(31, 0, 1 << 40) if r.carrier == "lora"]
        assert by_radio, lab.board.console.text()[-1500:]
        await at_a_standstill(lab, lab.broker.start)
        for _ in range(72):  # it tries less and less often
            await lab.clock.sleep(600)
            if lab.state().counters[control.CARRIER - 1] == 2:
                break
        await lab.clock.sleep(1200)
        assert lab.state().counters[control.CARRIER - 1] == 2
        with lab.reader() as reader:
            last = reader.history(31, 0, 1 << 40)[-1]
        assert last.carrier == "mqtt"
    finally:
        await lab.stop()
