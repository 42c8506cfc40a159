"""Forgetting a node whose board is at hand: nothing of it stays on the board."""

import json
from pathlib import Path
from typing import Any

import pytest

from device_configs.keys import read_keys
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import demo_nodes, images, run, site_with, state_with, with_micropython
from tools.node.forget import is_board_alone
from tools.node.look import Found
from tools.node.registry import Registry
from tools.node.trouble import Trouble


def since_power_on(bench: BoardOnBench) -> str:
    return bench.board.console.text().rpartition("power on")[2]


def kept(bench: BoardOnBench) -> set[str]:
    """Return what the board keeps of itself in non-volatile storage."""
    path = bench.board.image.with_name("nvs.json")
    return {name for space, name, *_ in json.loads(path.read_text()) if space == "node"}


def here(mac: str, says: int | None, role: str | None = None) -> Found:
    return Found("/dev/ttyUSB0", "esp32s3", mac, {"node": says, "role": role, "key": says is not None})


@pytest.mark.parametrize(
    ("mac", "says", "alone"),
    [
        ("bb", 21, False),  # the node itself
        ("bb", None, False),  # it was wiped half
        ("aa", 21, True),  # its board before that was replaced
        ("ee", 21, True),  # another site's node with this number
        ("ee", None, True),
    ],
)
def test_a_node_goes_on_where_only_another_board_is_wiped(
    tmp_path: Path, mac: str, says: int | None, alone: bool
) -> None:
    registry = Registry(tmp_path)
    registry.begin(21, "aa", "esp32s3", "heltec-v3")
    registry.begin(21, "bb", "esp32s3", "heltec-v3")
    assert is_board_alone(registry, 21, here(mac, says)) is alone
    assert not is_board_alone(registry, 23, here("ee", 23)), "nothing here is node 23"


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (here("cc", 22), "not_this_node"),
        (here("cc", None), "not_this_node"),  # by the registry
        (here("ee", 7), "not_this_node"),
        (here("ee", None, "bridge"), "is_bridge"),
    ],
)
def test_the_board_of_another_node_is_never_wiped(tmp_path: Path, found: Found, key: str) -> None:
    registry = Registry(tmp_path)
    registry.begin(21, "aa", "esp32s3", "heltec-v3")
    registry.begin(22, "cc", "esp32s3", "heltec-v3")
    with pytest.raises(Trouble) as trouble:
        is_board_alone(registry, 21, found)
    assert (trouble.value.key, trouble.value.status) == (key, 5)


async def test_a_forgotten_board_is_wiped_and_can_become_another_node(tmp_path: Path, capfd: Any) -> None:
    snow = [node for node in demo_nodes() if node["profile"] == "snow"]
    site, state = site_with(tmp_path, snow), state_with(tmp_path / "state")
    bench = with_micropython("a", tmp_path, tmp_path / "ports", "esp32s3")
    where = ["--site", str(site), "--state", str(state), "--lang", "en", "--json"]
    port = ["--port", str(bench.port.path)]
    made_of = ["--images", str(images(tmp_path / "images")), "--labels", str(tmp_path)]
    await bench.plug()
    try:
        said = await run(capfd, "node", "provision", "21", *where, *port, *made_of)
        assert said.status == 0, said.err
        await bench.board.until(lambda: bench.board.asleep)
        bench.board.change({"shelf": None, "a/node/app.mpy": b"an update", "slot": b"- - 0 0 0 0"})
        await bench.unplug()
        await bench.plug()
        await bench.board.until(lambda: "cold boot" in since_power_on(bench))
        bench.board.type(b"\x03")  # or it might be asleep again before this machine has come to ask it
        await bench.board.until(lambda: ">>> " in since_power_on(bench))
        assert kept(bench) >= {"root"}
        taken = await run(capfd, "node", "provision", "22", *where, *port, *made_of)
        assert (taken.status, taken.json["trouble"]) == (5, "taken")
        keys = (state / "keys.json").read_text()
        other = await run(capfd, "node", "forget", "22", *where, *port)
        assert (other.status, other.json["trouble"]) == (5, "not_this_node")
        assert kept(bench) >= {"root"}
        assert (state / "keys.json").read_text() == keys
        said = await run(capfd, "node", "forget", "21", *where, *port)
        assert said.status == 0, said.err
        assert said.json["wiped"] is True
        assert kept(bench) == set(), "what outlives its files"
        assert read_keys(state / "keys.json") == {}
        said = await run(capfd, "node", "provision", "22", *where, *port, *made_of)
        assert said.status == 0, said.err
        assert said.json["did"] == "provisioned"
        await bench.board.until(lambda: bench.board.asleep)  # on the shelf, whatever it remembered of 21
        await bench.unplug()
        files = bench.board.files()
        assert json.loads(files["settings.json"])["node"] == 22
        assert bytes.fromhex(files["key.hex"].decode()) == read_keys(state / "keys.json")[22]
        assert not {"identity", "settings.good", "a/node/app.mpy", "slot"} & set(files)
    finally:
        await bench.close()
