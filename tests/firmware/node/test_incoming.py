"""New settings over the air: the node's own files, the real gateway and broker, and hours of virtual time."""

import json

import pytest

from device_configs.compile import config_hash, settings_bytes
from gateway import outgoing

SNOW, ENERGY = 21, 31


def hand_out(lab, **changes):
    """Have the gateway give the node other settings; returns their hash in hex."""
    wanted = {**lab.settings, **changes}
    folder = lab.folder / "gateway" / "settings"
    folder.mkdir(exist_ok=True)
    (folder / f"{lab.node.id}.json").write_bytes(settings_bytes(wanted))
    return config_hash(wanted).hex()


async def reports(lab, hash, hours=4):
    """Wait until the node's STATUS names these settings."""
    end_s = lab.clock.monotonic_s() + hours * 3600
    while lab.said().get("config") != hash:
        assert lab.clock.monotonic_s() < end_s, lab.board.console.text()[-2000:]
        await lab.clock.sleep(300)


@pytest.mark.parametrize("node", [SNOW, ENERGY])
async def test_a_node_takes_new_settings_and_reports_their_hash(lab, node):
    lab = await lab(node)
    await lab.board.power_on()
    await lab.clock.sleep(1800)
    old = lab.said()["config"]
    new = hand_out(lab, event_interval_s=77)
    assert new != old
    await reports(lab, new)
    await lab.clock.sleep(3 * 3600)
    await lab.board.power_cut()
    files = lab.board.files()
    assert json.loads(files["settings.json"])["event_interval_s"] == 77
    assert files["settings.good"] == files["settings.json"]
    assert "settings.part" not in files


async def test_many_small_pieces_and_a_power_cut_between_them(lab, monkeypatch):
    monkeypatch.setattr(outgoing, "PIECE", 48)  # as by radio
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.clock.sleep(1800)
    new = hand_out(lab, event_interval_s=77)
    await lab.board.until(lambda: not lab.board.asleep, 60)
    await lab.board.power_cut()
    await lab.board.power_on()
    await reports(lab, new)


async def test_settings_that_lose_the_gateway_are_given_up_for_good(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.clock.sleep(1800)
    old = lab.said()["config"]
    hand_out(lab, carrier={**lab.settings["carrier"], "ssid": "elsewhere"})
    await lab.clock.sleep(12 * 3600)
    assert lab.said()["config"] == old
    assert lab.said()["counters"]["8"] == 1  # once, although the gateway goes on offering them
    await lab.board.power_cut()
    assert json.loads(lab.board.files()["settings.good"]) == lab.settings


async def test_settings_of_another_node_are_not_taken(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.clock.sleep(1800)
    old = lab.said()["config"]
    hand_out(lab, node=99)
    await lab.clock.sleep(6 * 3600)
    assert lab.said()["config"] == old
    await lab.board.power_cut()
    assert json.loads(lab.board.files()["settings.json"])["node"] == SNOW
