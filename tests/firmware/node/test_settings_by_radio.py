"""New settings by LoRa: real MicroPython, the radio on its bus, the air, the real gateway, virtual hours."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from device_configs.compile import config_hash
from gateway.outgoing import FOLDER
from tests.firmware.radio_lab import RadioLab
from tools.node.handing_out import hand_out
from tools.node.registry import Registry
from tools.node_command import app
from wire import control

INTAKE, SNOW = 11, 21
HEAP_KB = 124  # of the 160 a node has


@pytest.fixture
async def lab(tmp_path, request):
    found = RadioLab(tmp_path, getattr(request, "param", SNOW), heap_kb=HEAP_KB)
    hand_out(found.folder / "gateway", found.settings)  # as provisioning does
    await found.start()
    await found.board.power_on()
    await found.until(lambda: found.stored() >= 2, 24)
    yield found
    await found.stop()


def assert_no_trouble(lab):
    printed = lab.board.console.text()
    assert "Traceback" not in printed, "taking settings crashed the node"
    assert "MemoryError" not in printed
    assert lab.memory().counters[control.FLASH - 1] == 0, "there was no room for them at the first try"


async def command(*words):
    done = await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("lab", [INTAKE, SNOW], indirect=True)
async def test_what_is_pushed_comes_by_radio_and_its_hash_is_reported(lab):
    node, old = lab.node.id, lab.said()["config"]
    Registry(lab.state).begin(node, "020000000001", "esp32s3", lab.node.board)
    nodes = lab.site_path / "nodes.yaml"
    before, _, after = nodes.read_text().partition(f"- id: {node}")
    nodes.write_text(before + f"- id: {node}" + after.replace("interval_s: 600", "interval_s: 300", 1))
    push = ("settings", node, "--site", lab.site_path, "--state", lab.state, "--json")
    (row,) = (await command(*push, "--push"))["nodes"]
    assert "interval_s: 600 -> 300" in row["changes"]
    assert row["reports"] == old
    # Within the next two questions; a machine under load makes the node miss answers.
    await lab.until(lambda: lab.said()["config"] == row["hash"], 24)
    (row,) = (await command(*push))["nodes"]
    assert (row["changes"], row["reports"]) == ([], row["hash"])
    wanted = {**lab.settings, "interval_s": 300}
    wanted["backlog_segments"] = json.loads((lab.state / FOLDER / f"{node}.json").read_text())[
        "backlog_segments"
    ]
    assert row["hash"] == config_hash(wanted).hex() != old
    await lab.until(lambda: lab.memory() is not None and lab.memory().failures == 0 and lab.board.asleep, 24)
    assert_no_trouble(lab)
    await lab.board.power_cut()
    files = lab.board.files()
    assert json.loads(files["settings.json"]) == json.loads(json.dumps(wanted))
    assert files["settings.good"] == files["settings.json"]
    assert not {"settings.part", "settings.new"} & set(files)
    for band in range(6):
        assert lab.medium.busiest_hour_s(lab.antenna.name, band) < 36


async def test_whole_settings_come_in_pieces_where_the_gateway_does_not_know_what_the_node_has(lab):
    wanted = {**lab.settings, "interval_s": 300}
    hand_out(lab.state, wanted)
    for old in (lab.state / FOLDER).glob(f"{SNOW}.*.json"):
        old.unlink()
    await lab.until(lambda: lab.said()["config"] == config_hash(wanted).hex(), 24, 600)
    assert_no_trouble(lab)


async def test_settings_that_lose_the_gateway_are_given_up(lab):
    old = lab.said()["config"]
    carrier = {**lab.settings["carrier"], "channels_khz": [867_100]}  # nobody listens there
    hand_out(lab.state, {**lab.settings, "carrier": carrier})
    await lab.until(lambda: "given up" in lab.board.console.text(), 96, 600)
    await lab.until(lambda: lab.said()["counters"].get("8") == 1, 96, 600)
    assert lab.said()["config"] == old
