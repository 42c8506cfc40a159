"""A board becomes the gateway's bridge, by the real esptool and mpremote, and is told from a node."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.compile import bridge_settings, settings_bytes
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.sx1262 import Sx1262
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import radio_wiring
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.wiring import Wiring
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import Said, blank, demo_nodes, images, run, site_with, state_with
from tools.firmware_image import compiled
from wire import bridge as cable

KIND = "heltec-v3"


class Bench:
    """A site by radio with a bridge, and a new board of that kind on a port."""

    def __init__(self, folder: Path, capfd: Any) -> None:
        self.folder, self._capfd = folder, capfd
        self.site = site_with(folder, demo_nodes()[2:3])
        site = json.loads((self.site / "site.yaml").read_text())
        lora = {"frequency_khz": 868100, "spreading_factor": 9, "bandwidth_khz": 125, "power_dbm": 14}
        (self.site / "site.yaml").write_text(json.dumps({**site, "lora": {**lora, "bridge": KIND}}))
        self.state = state_with(folder / "state")
        images(folder / "images")
        pins = builtin_catalog().boards[KIND].sx1262
        assert pins is not None
        spi, wired = radio_wiring(pins, Antenna("bridge", Medium(RealClock())))
        (radio,) = spi[0].chips.values()
        assert isinstance(radio, Sx1262)
        self.radio = radio
        wiring = Wiring(spi=spi, pins=wired)
        self.bench: BoardOnBench = blank("ttyUSB0", folder, folder / "ports", "esp32s3", wiring=wiring)

    async def runs(self, *words: str) -> Said:
        said = await run(self._capfd, "node", *words, "--lang", "en", "--json")
        assert "Traceback" not in said.err
        return said

    async def says(self, *words: str) -> Said:
        """Run a command on the board of this bench."""
        where = ["--site", str(self.site), "--state", str(self.state), "--port", str(self.bench.port.path)]
        made_of = ["--images", str(self.folder / "images"), "--labels", str(self.folder / "labels")]
        return await self.runs(*words, *where, *(made_of if words[0] == "provision" else []))

    def hellos(self) -> int:
        lines = cable.Lines()
        return sum(kind == cable.HELLO for kind, _, _ in lines.feed(self.bench.board.console.text().encode()))


@pytest.fixture
async def made(tmp_path: Path, capfd: Any) -> AsyncIterator[Bench]:
    found = Bench(tmp_path, capfd)
    await found.bench.plug()
    yield found
    await found.bench.close()


async def test_a_board_from_the_factory_becomes_a_bridge_and_free_again(made: Bench) -> None:
    made.radio.fault = Fault.DISCONNECTED
    said = await made.says("provision", "bridge")
    assert (said.status, said.json["trouble"]) == (5, "selftest_failed")
    assert "found faults: radio" in said.err
    made.radio.fault = Fault.NONE  # its solder joint has been mended: the same command goes on
    said = await made.says("provision", "bridge")
    assert said.status == 0, said.err
    assert (said.json["role"], said.json["did"], said.json["files_copied"]) == ("bridge", "already", 0)
    assert "was a LoRa bridge already, and is well" in said.err
    assert "`bridge: /dev/ttyUSB0`" in said.err
    short = made.bench.mac.hex()[-4:]
    assert [Path(file).name for file in said.json["labels"]] == [f"bridge-{short}.png", f"bridge-{short}.pdf"]
    await made.bench.board.until(lambda: made.hellos() == 1)  # it works
    await made.bench.unplug()
    files = made.bench.board.files()
    kind = builtin_catalog().boards[KIND]
    assert files["settings.json"] == settings_bytes(bridge_settings(kind))
    assert {name: files[name] for name in compiled()} == dict(compiled())
    assert not {"key.hex", "shelf"} & set(files)
    assert not (made.state / "keys.json").exists()
    audit = [json.loads(line)["did"] for line in (made.state / "audit.jsonl").read_text().splitlines()]
    assert audit == ["flashed", "made a bridge"]
    await made.bench.plug()
    await made.bench.board.until(lambda: made.hellos() == 2)

    listed = await made.runs("list", "--ports", str(made.folder / "ports"))
    (row,) = listed.json["boards"]
    assert (row["role"], row["node"], row["chip"]) == ("bridge", None, "esp32s3")
    assert "a gateway's LoRa bridge" in listed.err
    tested = await made.runs("selftest", "--port", str(made.bench.port.path))
    assert (tested.json["radio"], tested.json["flash"], tested.json["channels"]) == (True, True, [])

    again = await made.says("provision", "bridge")
    assert (again.status, again.json["did"]) == (0, "already")
    await made.bench.board.until(lambda: made.hellos() == 3)  # and back to work
    node = await made.says("provision", "21")  # nobody makes a node of it unasked
    assert (node.status, node.json["trouble"]) == (5, "is_bridge")
    wiped = await made.says("forget", "bridge")
    assert (wiped.status, wiped.json["wiped"]) == (0, True)
    assert (await made.says("forget", "bridge")).json["trouble"] == "not_a_bridge"
    await made.bench.unplug()
    assert "settings.json" not in made.bench.board.files()
