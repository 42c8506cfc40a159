"""Virtual boards on this machine's ports, and the commands a technician gives them."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from device_configs.loader import SITES
from hardware.virtual.run import Chip
from hardware.virtual.workbench import BOOT_OFFSET, BoardOnBench
from tools import cli

CHIP_ID = {"esp32": 0, "esp32s3": 9}


def program(chip: Chip, size: int = 9000) -> bytes:
    """A program image as a flasher sees it: header with magic and chip id, then anything."""
    head = bytes((0xE9, 1, 2, 0x20)) + bytes(8) + CHIP_ID[chip].to_bytes(2, "little") + bytes(10)
    return head + bytes(i * 37 & 0xFF for i in range(size))


def images(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ESP32_GENERIC-20260901-v1.29.0.bin").write_bytes(program("esp32"))
    (folder / "ESP32_GENERIC_S3-20260901-v1.29.0.bin").write_bytes(program("esp32s3"))
    return folder


@dataclass(slots=True)
class Said:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


async def run(capfd: Any, *words: str) -> Said:
    """Run `sensornett` beside the boards, which live in this event loop."""
    capfd.readouterr()
    status = await asyncio.to_thread(cli.main, list(words))
    out, err = capfd.readouterr()
    return Said(status, out, err)


def site_with(folder: Path, nodes: Sequence[dict[str, Any]]) -> Path:
    """A site with these nodes, made from the demonstration's."""
    path = folder / "workshop"
    shutil.copytree(SITES / "narvik-demo", path)
    site = YAML(typ="safe").load((path / "site.yaml").read_text())
    (path / "site.yaml").write_text(json.dumps({**site, "id": "workshop"}))
    (path / "nodes.yaml").write_text(
        json.dumps({"nodes": list(nodes)}, default=lambda moment: moment.isoformat())
    )
    for name, lists in {
        "alerts.yaml": ("recipients", "rules"),
        "buildings.yaml": ("buildings",),
        "initiatives.yaml": ("initiatives",),
    }.items():
        (path / name).write_text(json.dumps({key: [] for key in lists}))
    return path


def demo_nodes() -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load((SITES / "narvik-demo" / "nodes.yaml").read_text())["nodes"])


def state_with(folder: Path, host: str = "192.0.2.10", port: int = 1883, ssid: str = "workshop") -> Path:
    """A state directory that says how nodes reach the gateway."""
    folder.mkdir(parents=True, exist_ok=True)
    network = {"broker": {"host": host, "port": port}, "wifi": {"ssid": ssid, "password": ""}}
    (folder / "network.yaml").write_text(json.dumps(network))
    return folder


def blank(name: str, folder: Path, ports: Path, chip: Chip = "esp32", **board: Any) -> BoardOnBench:
    """A board fresh from the factory."""
    ports.mkdir(parents=True, exist_ok=True)
    return BoardOnBench(name, folder / name, ports / name, chip=chip, **board)


def with_micropython(
    name: str, folder: Path, ports: Path, chip: Chip = "esp32", **board: Any
) -> BoardOnBench:
    """A board that somebody has put MicroPython on."""
    ports.mkdir(parents=True, exist_ok=True)
    return BoardOnBench(name, folder / name, ports / name, chip=chip, program=program(chip), **board)


__all__ = ["BOOT_OFFSET", "blank", "demo_nodes", "images", "program", "run", "site_with", "state_with"]
