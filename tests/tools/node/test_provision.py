"""Provisioning with the real mpremote and esptool, on virtual boards."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from device_configs.compile import settings_bytes
from device_configs.keys import read_keys
from device_configs.loader import SITES, load_site
from tests.tools.node.bench import blank, demo_nodes, images, run, site_with, state_with
from tools.firmware_image import compiled
from tools.node.credentials import Credentials
from tools.node.look import Found
from tools.node.network import Network, settings_for
from tools.node.progress import Progress
from tools.node.provision import Result, Workshop, provision
from tools.node.registry import Registry
from tools.node.remote import Board
from tools.node.session import told
from tools.node.trouble import Trouble
from tools.node.words import Words

DEMO = load_site(SITES / "narvik-demo")
MAC = "0242ac110002"
NETWORK = Network.model_validate(
    {"broker": {"host": "192.0.2.10"}, "wifi": {"ssid": "workshop", "password": ""}}
)


def shop_in(folder: Path, network: Network | None = NETWORK) -> Workshop:
    credentials, nothing = Credentials(folder, DEMO.id), Progress(Words("en"))
    images, labels = folder / "images", folder / "labels"
    return Workshop(DEMO, folder, Registry(folder), credentials, network, {}, images, labels, nothing)


def made(shop: Workshop, found: Found, *, replace: bool = False) -> Result:
    return provision(shop, DEMO.node(21), "nowhere", found=found, replace=replace)


def test_what_the_sites_files_lack_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no_network_file") as trouble:
        made(shop_in(tmp_path, None), Found("nowhere", "esp32s3", MAC, why="blank"))
    assert "docs/technician.en.md" in trouble.value.told(Words("en"))
    assert list(tmp_path.iterdir()) == []


def test_no_board_becomes_a_node_while_its_micropython_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no_image"):
        made(shop_in(tmp_path), Found("nowhere", "esp32s3", MAC, why="blank"))
    assert Registry(tmp_path).node_of(MAC) is None


def test_labels_that_can_not_be_written_are_told_before_a_board_is_worked_on(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a file")
    with pytest.raises(FileExistsError):
        made(shop_in(tmp_path), Found("nowhere", "esp32s3", MAC, why="blank"))
    assert Registry(tmp_path).node_of(MAC) is None


@pytest.mark.parametrize("why", ["blank", "no_prompt", "download_mode"])
def test_a_node_that_lost_its_program_is_not_ready(tmp_path: Path, why: str) -> None:
    shop = shop_in(tmp_path)
    shop.registry.begin(21, MAC, "esp32s3", "heltec-v3")
    shop.registry.advance(21, "commissioned")
    with pytest.raises(Trouble, match="no_image"):  # on with flashing it
        made(shop, Found("nowhere", "esp32s3", MAC, why=why))
    asleep = made(shop, Found("nowhere", "esp32s3", MAC, why="silent"))
    assert (asleep.did, asleep.asleep) == ("already", True)
    assert "it was not looked into" in told(asleep, Words("en"))[0]


def test_a_key_for_updates_that_came_later_is_missing_on_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_in(tmp_path)
    shop.registry.begin(21, MAC, "esp32s3", "heltec-v3")
    shop.registry.advance(21, "shelved")
    settings = settings_for(DEMO, DEMO.node(21), NETWORK, tmp_path, shop.credentials.password)
    on_board = {"settings.json": hashlib.sha256(settings_bytes(settings)).hexdigest()}
    monkeypatch.setattr(Board, "digests", lambda board, names: on_board)
    found = Found("nowhere", "esp32s3", MAC, {"node": 21, "role": None, "key": True})
    assert made(shop, found).did == "already"
    (tmp_path / "update-keys").mkdir()
    (tmp_path / "update-keys" / "1.pub").write_text("f" * 768)
    with pytest.raises(Trouble, match="unplugged"):  # on to the board, which there is none of here
        made(shop, found)


@pytest.mark.parametrize(("says", "replace"), [(21, False), (7, False), (7, True)])
def test_a_board_with_the_key_of_a_node_is_left_alone(tmp_path: Path, says: int, replace: bool) -> None:
    probe = {"node": says, "role": None, "key": True}
    with pytest.raises(Trouble, match="other_node"):
        made(shop_in(tmp_path), Found("nowhere", "esp32s3", MAC, probe), replace=replace)
    assert Registry(tmp_path).node_of(MAC) is None


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
    assert "update-keys" in again.err
    await bench.close()
