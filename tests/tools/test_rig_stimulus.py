"""A blank ESP32 becomes a stimulus board, and what keeps it from that is told."""

import json
import re
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from hardware.bench.stimulus import StimulusBoard
from hardware.protocols import InstrumentError
from tests.hardware.stimulus_board import SETTINGS, StimulusOnBench
from tests.tools.node.bench import program, run
from tools import cli
from tools.rig_stimulus import WIRED, settings_of

README = Path(__file__).parents[2] / "hardware/README.md"


def test_the_paper_the_file_and_the_simulated_board_are_wired_alike() -> None:
    (block,) = re.findall(r"```\n(\{\"role\": \"stimulus\".*?)```", README.read_text(), re.DOTALL)
    assert json.loads(block) == json.loads(WIRED.read_text()) == SETTINGS


async def test_a_blank_board_becomes_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    board = StimulusOnBench(tmp_path, None)
    await board.bench.plug()
    image = tmp_path / "micropython.bin"
    image.write_bytes(program("esp32"))
    said = await run(capfd, "rig", "stimulus", board.port, "--image", str(image))
    assert said.status == 0, said.err
    assert "is a stimulus board: press its reset button" in said.err
    await board.bench.unplug()
    await board.bench.plug()
    driver = StimulusBoard(board.port, load_site(SITES / "narvik-demo").node(11))
    try:
        assert {"ranger", "meter", "contact", "loop0", "loop1"} <= await driver.known()
    finally:
        await driver.close()
        await board.bench.close()


def test_what_is_wrong_is_told_before_anything_is_flashed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "micropython.bin"
    for content, settings, told in (
        (program("esp32s3"), WIRED, "is no MicroPython for the esp32"),
        (program("esp32"), tmp_path / "none.json", "No such file or directory"),
        (program("esp32"), WIRED, "can not be opened"),
    ):
        image.write_bytes(content)
        words = ["rig", "stimulus", str(tmp_path / "ttyUSB9"), "--image", str(image)]
        assert cli.main([*words, "--settings", str(settings)]) == 4
        assert told in capsys.readouterr().err
    for text in ("no json", "[]", '{"role": "bridge"}'):
        (tmp_path / "wrong.json").write_text(text)
        with pytest.raises(InstrumentError, match=re.escape(str(WIRED))):
            settings_of(tmp_path / "wrong.json")
