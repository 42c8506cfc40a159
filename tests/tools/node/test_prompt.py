"""Reaching the prompt of whatever hangs on a port, and the cause where there is none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import serial

from device_configs.compile import node_settings, settings_bytes
from device_configs.loader import SITES, load_site
from hardware.virtual.board import State
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import blank, with_micropython
from tools.firmware_image import compiled
from tools.node import prompt
from tools.node.look import look
from tools.node.trouble import Trouble

DEMO = load_site(SITES / "narvik-demo")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[BoardOnBench]:
    made = with_micropython("a", tmp_path, tmp_path / "ports", heap_kb=320)
    yield made
    await made.close()


async def trouble_of(path: str, timeout_s: float = 2.0) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await asyncio.to_thread(prompt.reach, path, timeout_s)
    return caught.value


async def test_an_empty_board_is_at_its_prompt(bench: BoardOnBench) -> None:
    await bench.plug()
    found = await asyncio.to_thread(look, str(bench.port.path))
    assert (found.chip, found.mac) == ("esp32", bench.mac.hex())
    assert found.probe is not None
    assert found.probe["node"] is None


@pytest.mark.parametrize("node", [21, 31])
async def test_a_node_at_work_is_interrupted_and_stays_reachable(bench: BoardOnBench, node: int) -> None:
    settings = node_settings(DEMO, DEMO.node(node), host="192.0.2.1", ssid="nowhere", wifi_password="")
    bench.board.install({**compiled(), "settings.json": settings_bytes(settings), "key.hex": b"5a" * 16})
    await bench.plug()
    await bench.board.until(lambda: "cold boot" in bench.board.console.text())
    found = await asyncio.to_thread(look, str(bench.port.path))
    assert found.probe is not None
    assert (found.probe["node"], found.probe["key"], found.probe["firmware"]) == (node, True, "0.1.0")
    assert "prompt open for" in bench.board.console.text()
    assert bench.board.counts.starts == 1


async def test_a_board_that_sleeps_is_asked_by_way_of_download_mode(bench: BoardOnBench) -> None:
    bench.board.install({"main.py": b"import machine\nmachine.deepsleep(10000000)\n"})
    await bench.plug()
    await bench.board.until(lambda: bench.board.state is State.ASLEEP)
    assert (await trouble_of(str(bench.port.path))).key == "silent"
    found = await asyncio.to_thread(look, str(bench.port.path), 2.0)
    assert (found.chip, found.mac, found.why) == ("esp32", bench.mac.hex(), "silent")


async def test_a_board_without_a_program(tmp_path: Path) -> None:
    bench = blank("b", tmp_path, tmp_path / "ports", "esp32s3")
    await bench.plug()
    try:
        assert (await trouble_of(str(bench.port.path), 5)).key == "blank"
        found = await asyncio.to_thread(look, str(bench.port.path), 5.0)
        assert (found.chip, found.why) == ("esp32s3", "blank")
    finally:
        await bench.close()


async def test_a_disturbed_line(bench: BoardOnBench) -> None:
    await bench.plug()
    bench.port.cable.noise = 0.9
    trouble = await trouble_of(str(bench.port.path))
    assert trouble.key in {"noise", "no_prompt"}
    assert trouble.status == 4


async def test_the_cable_comes_out(bench: BoardOnBench) -> None:
    await bench.plug()
    bench.port.cable.mute = True
    bench.port.cable.unplug_after = 5
    assert (await trouble_of(str(bench.port.path))).key == "unplugged"


async def test_ports_that_can_not_be_opened(bench: BoardOnBench, tmp_path: Path) -> None:
    assert (await trouble_of(str(tmp_path / "nothing"))).key == "port_gone"
    await bench.plug()
    with serial.Serial(str(bench.port.path), exclusive=True):
        assert (await trouble_of(str(bench.port.path))).key == "port_busy"
