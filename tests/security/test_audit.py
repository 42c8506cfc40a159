"""Who flashed, changed, acknowledged, shelved, revoked: each deed is one line with who, when and what.

Rotation is in tests/tools/node/test_rotate.py, what people do on the page in tests/gateway/web/.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from device_configs.keys import write_keys
from gateway import audit
from tests.tools.node.bench import blank, demo_nodes, images, run, site_with, state_with
from tests.tools.test_alerts_command import run as alerts
from tests.tools.test_alerts_command import serving
from tools.node.registry import Registry

__all__ = ["serving"]
MAC = "0242ac110002"


@pytest.fixture(autouse=True)
def with_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are given with sudo: what counts is who gave them."""
    monkeypatch.setenv("SUDO_USER", "kari")


def last(state: Path) -> dict[str, Any]:
    line: dict[str, Any] = json.loads((state / audit.FILE_NAME).read_text().splitlines()[-1])
    assert line["at"].endswith("Z")
    return line


def noted(state: Path, did: str, **details: object) -> bool:
    """Whether the newest line says so."""
    return last(state).items() >= {"did": did, **details}.items()


async def test_flash(tmp_path: Path, capfd: Any) -> None:
    state, bench = state_with(tmp_path / "state"), blank("a", tmp_path, tmp_path / "ports")
    folder = images(tmp_path / "images")
    await bench.plug()
    try:
        where = ["--port", str(bench.port.path), "--images", str(folder), "--state", str(state)]
        said = await run(capfd, "node", "flash", "esp32", *where)
    finally:
        await bench.close()
    assert said.status == 0, said.err
    assert noted(state, "flashed", who="kari", mac=bench.mac.hex())


async def test_change(tmp_path: Path, capfd: Any) -> None:
    site, state = site_with(tmp_path, demo_nodes()[:1]), state_with(tmp_path / "state")
    Registry(state).begin(11, MAC, "esp32", "heltec-v3")
    where = ["--site", str(site), "--state", str(state)]
    assert (await run(capfd, "node", "settings", "11", *where)).status == 0
    assert noted(state, "begun"), "looking changes nothing"
    assert (await run(capfd, "node", "settings", "11", *where, "--push")).status == 0
    assert noted(state, "settings changed", who="kari", node=11, mac=MAC)


def test_acknowledge(serving: Path) -> None:
    assert alerts("ack", "rista-tettes/11", "--state", serving, "--by", "Vakt")[0] == 0
    assert noted(serving, "ack", who="Vakt", login="kari", alert="rista-tettes/11")


def test_shelve(serving: Path) -> None:
    words = ["shelve", "kulvert-60/11", "--state", serving, "--minutes", 30, "--note", "graver"]
    assert alerts(*words)[0] == 0
    assert noted(serving, "shelve", who="kari", alert="kulvert-60/11", minutes=30, note="graver")


async def test_revoke(tmp_path: Path, capfd: Any) -> None:
    site, state = site_with(tmp_path, demo_nodes()[:1]), state_with(tmp_path / "state")
    write_keys(state / "keys.json", {11: bytes(16)})
    Registry(state).begin(11, MAC, "esp32", "heltec-v3")
    said = await run(capfd, "node", "forget", "11", "--site", str(site), "--state", str(state))
    assert said.status == 0, said.err
    assert noted(state, "forgotten", who="kari", node=11, mac=MAC)
