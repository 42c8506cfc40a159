"""An afternoon at the bench and on site: ten boards, what goes wrong, and what is right in the end."""

import asyncio
import dataclasses
import json
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from device_configs.keys import read_keys
from device_configs.loader import load_site
from device_configs.model import Site
from device_configs.schema import rom_crc8
from hardware.virtual.board import Board, State
from hardware.virtual.chips.front import Button, Led
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.run import Chip
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.wiring import PinChip
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import blank, demo_nodes, images, run, site_with, state_with, with_micropython
from tools.node.label import label_of
from tools.programs import Gateway
from tools.servers import HOST, Mosquitto, free_port

SNOW = {"distance": 2400.0, "air": -6.0, "battery": 3.6}
NODES = range(101, 110)
pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(1800)]


@dataclass(slots=True)
class Scene:
    """The site, the gateway's state directory, and the boards on the bench by their port's name."""

    folder: Path
    site_folder: Path
    site: Site
    state: Path
    broker_port: int
    access_point: AccessPoint
    boards: dict[str, BoardOnBench]

    def where(self) -> list[str]:
        return ["--site", str(self.site_folder), "--state", str(self.state), "--lang", "en", "--json"]

    def made_of(self) -> list[str]:
        return ["--images", str(self.folder / "images"), "--labels", str(self.folder / "labels")]

    def registry(self) -> dict[str, Any]:
        return dict(json.loads((self.state / "nodes.json").read_text())["nodes"])


def snow_nodes() -> list[dict[str, Any]]:
    (snow,) = [node for node in demo_nodes() if node["id"] == 21]
    masts = zip(NODES, _roms(len(NODES)), strict=True)
    return [
        {
            **snow,
            "id": node,
            "name": f"Mast {node}",
            "sensors": {"ranger": {"pings": 7}, "air": {"rom": rom}},
        }
        for node, rom in masts
    ]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    site_folder = site_with(tmp_path, snow_nodes())
    site, clock = load_site(site_folder), RealClock()
    port = free_port()
    made = Scene(
        tmp_path,
        site_folder,
        site,
        state_with(tmp_path / "state", HOST, port, "workshop"),
        port,
        AccessPoint(clock, "workshop"),
        {},
    )
    images(tmp_path / "images")
    yield made
    for board in made.boards.values():
        await board.close()


def _roms(count: int) -> list[str]:
    """Numbers of temperature probes with the right check digits."""
    bodies = [bytes((0x28, 0xDE, n, 0, 0, 0, 0)) for n in range(count)]
    return [(body + bytes((rom_crc8(body),))).hex() for body in bodies]


def board_for(
    scene: Scene, name: str, node: int | None, chip: Chip = "esp32s3", *, new: bool = True
) -> BoardOnBench:
    """A board on a port; wired as that node will be, so that its sensors answer once it is mounted."""
    clock, options = RealClock(), dict[str, Any]()
    if node is not None:
        wiring = wire(
            scene.site.node(node),
            scene.site.catalog,
            Surroundings.of(SNOW),
            clock,
        )
        kind = scene.site.catalog.boards[scene.site.node(node).board]
        assert kind.button
        assert kind.led
        front: dict[int, PinChip] = {
            kind.led.pin: Led(clock, kind.led.on_level),
            kind.button.pin: Button(clock),
        }
        options["wiring"] = dataclasses.replace(wiring, pins={**wiring.pins, **front})
        options["access_point"] = scene.access_point
    make = blank if new else with_micropython
    scene.boards[name] = make(name, scene.folder, scene.folder / "ports", chip, clock=clock, **options)
    return scene.boards[name]


async def test_an_afternoon(scene: Scene, capfd: Any) -> None:
    bench = ["node", "bench", *scene.where(), *scene.made_of(), "--ports", str(scene.folder / "ports")]

    # Ten boards: one of another kind; two whose cable comes out, while flashing and while copying.
    names = [f"ttyUSB{n}" for n in range(10)]
    for n, name in enumerate(names[:9]):
        board_for(scene, name, 101 + n, new=n % 2 == 0)
    board_for(scene, names[9], None, "esp32")
    # One was provisioned before.
    first = scene.boards[names[0]]
    await first.plug()
    single = ["node", "provision", "101", *scene.where(), *scene.made_of(), "--port", str(first.port.path)]
    said = await run(capfd, *single)
    assert said.status == 0, said.err
    for name in names[1:]:
        await scene.boards[name].plug()
    scene.boards[names[2]].port.cable.unplug_after = 4_000  # flashing
    scene.boards[names[3]].port.cable.unplug_after = 60_000  # copying the program
    said = await run(capfd, *bench)
    assert said.status != 0
    assert "Traceback" not in said.err
    found = said.json
    assert {Path(port).name: key for port, key in found["troubles"].items()} == {
        names[2]: "unplugged",
        names[3]: "unplugged",
        names[9]: "wrong_chip",
    }, said.err
    assert [r["did"] for r in found["nodes"] if r["node"] == 101] == ["already"]
    interrupted = set(found["left"])
    assert len(interrupted) == 2

    # The two are plugged in again, and the same command is given.
    for name in (names[2], names[3]):
        scene.boards[name].port.cable.unplug_after = None
        await scene.boards[name].plug()
    await scene.boards[names[9]].unplug()
    said = await run(capfd, *bench)
    assert said.status == 0, said.err
    assert said.json["left"] == []
    assert {r["node"] for r in said.json["nodes"] if r["did"] == "provisioned"} == interrupted

    # Registry, keys, credentials and labels.
    registry = scene.registry()
    macs = {int(node): entry["hardware"][0]["mac"] for node, entry in registry.items()}
    assert set(macs) == set(NODES)
    assert set(macs.values()) == {scene.boards[name].mac.hex() for name in names[:9]}
    assert {entry["stage"] for entry in registry.values()} == {"shelved"}
    keys = read_keys(scene.state / "keys.json")
    assert len(set(keys.values())) == 9
    by_mac = {bench.mac.hex(): bench for bench in scene.boards.values()}
    for node, mac in macs.items():
        await by_mac[mac].board.until(partial(_asleep, by_mac[mac].board))  # the last one has just been reset
        files = by_mac[mac].board.files()
        assert json.loads(files["settings.json"])["node"] == node
        assert bytes.fromhex(files["key.hex"].decode()) == keys[node]
        assert "shelf" in files
        made = label_of(scene.site, scene.site.node(node), mac)
        assert made.claim == f"SN1:workshop:{node}:{mac}"
        assert not any(key.hex() in text for key in keys.values() for text in (made.claim, *made.lines))
    assert stat.S_IMODE((scene.state / "broker.json").stat().st_mode) == 0o600

    await _on_site(scene, macs, by_mac, capfd)


def _asleep(board: Board) -> bool:
    return board.asleep


def _slept_since(board: Board, starts: int) -> bool:
    return board.counts.starts > starts and board.asleep


async def _on_site(scene: Scene, macs: dict[int, str], by_mac: dict[str, BoardOnBench], capfd: Any) -> None:
    """Two are commissioned by button and LED alone, at a broker with the files made; one is replaced."""
    files = scene.state / "broker"
    broker = Mosquitto(
        scene.folder / "mosquitto",
        scene.broker_port,
        settings=[
            "allow_anonymous false",
            f"password_file {files / 'passwords'}",
            f"acl_file {files / 'access'}",
        ],
    )
    password = scene.folder / "gateway-password"
    password.write_text(json.loads((scene.state / "broker.json").read_text())["users"]["gateway"])
    gateway = Gateway(scene.state, scene.site_folder, f"{HOST}:{scene.broker_port}", password)
    await asyncio.to_thread(broker.start)
    try:
        await asyncio.to_thread(gateway.start)
        for node in (104, 105):
            board = by_mac[macs[node]].board
            assert board.state is State.ASLEEP
            (button,) = [chip for chip in board.wiring.pins.values() if isinstance(chip, Button)]
            (led,) = [chip for chip in board.wiring.pins.values() if isinstance(chip, Led)]
            lights = ""
            for _ in range(3):  # on a busy machine an answer may come too late: one presses again
                starts = board.counts.starts
                await button.press()
                await board.until(partial(_slept_since, board, starts), 60)
                if (lights := led.seen()) == "....":  # measured; the gateway hears it well
                    break
            assert lights == "...."
            assert "record 0" in board.console.text()
        photos = scene.site_folder / "photos"
        photos.mkdir()
        (photos / "104-mast.jpg").write_bytes(b"a picture")
        said = await run(capfd, "node", "commission", *scene.where())
        assert said.status == 0, said.err
        assert said.json["commissioned"] == [104]
        assert "Node 105 lacks on its site sheet: photo" in said.err
        (photos / "105-mast.jpg").write_bytes(b"a picture")
        said = await run(capfd, "node", "commission", "105", *scene.where())
        assert said.json["commissioned"] == [105]
        said = await run(capfd, "node", "commission", "106", *scene.where())
        assert (said.status, said.json["trouble"]) == (1, "not_heard")
    finally:
        await asyncio.to_thread(gateway.stop)
        await asyncio.to_thread(broker.stop)

    # The board of 104 breaks: another one takes its place.
    old_key = read_keys(scene.state / "keys.json")[104]
    spare = board_for(scene, "spare", 104)
    await spare.plug()
    port = ["--port", str(spare.port.path)]
    said = await run(capfd, "node", "provision", "104", *scene.where(), *scene.made_of(), *port)
    assert (said.status, said.json["trouble"]) == (5, "has_other_board")
    said = await run(capfd, "node", "replace", "104", *scene.where(), *scene.made_of(), *port)
    assert said.status == 0, said.err
    assert said.json["did"] == "replaced"
    history = scene.registry()["104"]["hardware"]
    assert [one["mac"] for one in history] == [macs[104], spare.mac.hex()]
    assert history[0]["until"] is not None
    assert read_keys(scene.state / "keys.json")[104] != old_key

    # And 109 is taken out of service.
    said = await run(capfd, "node", "forget", "109", *scene.where())
    assert said.status == 0, said.err
    assert 109 not in read_keys(scene.state / "keys.json")
    assert "user n109" not in (scene.state / "broker" / "access").read_text()
    did = [json.loads(line)["did"] for line in (scene.state / "audit.jsonl").read_text().splitlines()]
    assert did[-1] == "forgotten"
