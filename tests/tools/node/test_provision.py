"""Provisioning with the real mpremote and esptool, on virtual boards."""

import json
from pathlib import Path
from typing import Any

from device_configs.keys import read_keys
from tests.tools.node.bench import blank, demo_nodes, images, run, site_with, state_with
from tools.firmware_image import compiled


def files_of(bench: Any) -> dict[str, bytes]:
    return dict(bench.board.files())


async def test_a_board_from_the_factory_becomes_a_node(tmp_path: Path, capfd: Any) -> None:
    site, state = site_with(tmp_path, demo_nodes()[:1]), state_with(tmp_path / "state")
    bench = blank("a", tmp_path, tmp_path / "ports")
    await bench.plug()
    where = ["--site", str(site), "--state", str(state), "--images", str(images(tmp_path / "images"))]
    labels = tmp_path / "labels"
    where += ["--port", str(bench.port.path), "--labels", str(labels)]
    words = ["node", "provision", "11", *where, "--json"]
    said = await run(capfd, *words)
    assert said.status == 0, said.err
    assert (labels / "node-11.png").read_bytes().startswith(b"\x89PNG")
    assert (labels / "node-11.pdf").read_bytes().startswith(b"%PDF")
    assert said.json["did"] == "provisioned"
    assert said.json["flashed"] is True
    await bench.board.until(lambda: bench.board.asleep)
    files = files_of(bench)
    assert {name: files[name] for name in compiled()} == dict(compiled())
    assert bytes.fromhex(files["key.hex"].decode()) == read_keys(state / "keys.json")[11]
    assert "shelf" in files
    registry = json.loads((state / "nodes.json").read_text())["nodes"]["11"]
    assert registry["stage"] == "shelved"
    assert registry["hardware"][0]["mac"] == bench.mac.hex()
    again = await run(capfd, *words)
    assert again.status == 0, again.err
    assert again.json["did"] == "already"
    await bench.close()
