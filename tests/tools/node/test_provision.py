"""Provisioning with the real mpremote and esptool, on virtual boards."""

import json
from pathlib import Path
from typing import Any

import pytest

from device_configs.keys import read_keys
from device_configs.loader import SITES, load_site
from tests.tools.node.bench import blank, demo_nodes, images, run, site_with, state_with
from tools.firmware_image import compiled
from tools.node.credentials import Credentials
from tools.node.look import Found
from tools.node.progress import Progress
from tools.node.provision import Workshop, provision
from tools.node.registry import Registry
from tools.node.trouble import Trouble
from tools.node.words import Words


def test_what_the_sites_files_lack_is_told_before_anything_is_written(tmp_path: Path) -> None:
    site, words = load_site(SITES / "narvik-demo"), Words("en")
    credentials, nothing = Credentials(tmp_path, site.id), Progress(words)
    shop = Workshop(site, tmp_path, Registry(tmp_path), credentials, None, {}, tmp_path, tmp_path, nothing)
    found = Found("nowhere", "esp32s3", "0242ac110002", why="blank")
    with pytest.raises(Trouble, match="no_network_file") as trouble:
        provision(shop, site.node(21), "nowhere", found=found)
    assert "docs/technician.en.md" in trouble.value.told(words)
    assert list(tmp_path.iterdir()) == []


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
