"""Reaching the prompt of whatever hangs on a port, and the cause where there is none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import serial

from device_configs.compile import node_settings, settings_bytes
from device_configs.loader import SITES, load_site
from hardware.virtual.board import State
from hardware.virtual.run import Chip
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import blank, with_micropython
from tools.firmware_image import compiled
from tools.node import flasher, prompt
from tools.node.look import Found, look
from tools.node.trouble import Trouble

DEMO = load_site(SITES / "narvik-demo")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[BoardOnBench]:
    made = with_micropython("a", tmp_path, tmp_path / "ports", heap_kb=320)
    yield made
    await made.close()


PATIENT_S = 60.0  # where something is certain to be heard, however busy this machine is


async def trouble_of(path: str, timeout_s: float = 2.0, silent_s: float = PATIENT_S) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await asyncio.to_thread(prompt.reach, path, timeout_s, silent_s)
    return caught.value


async def look_at(bench: BoardOnBench) -> Found:
    return await asyncio.to_thread(look, str(bench.port.path), PATIENT_S, PATIENT_S)


async def test_an_empty_board_is_at_its_prompt(bench: BoardOnBench) -> None:
    await bench.plug()
    found = await look_at(bench)
    assert (found.chip, found.mac) == ("esp32", bench.mac.hex())
    assert found.probe is not None
    assert found.probe["node"] is None


def make_node(bench: BoardOnBench, node: int) -> None:
    settings = node_settings(DEMO, DEMO.node(node), host="192.0.2.1", ssid="nowhere", wifi_password="")
    bench.board.install({**compiled(), "settings.json": settings_bytes(settings), "key.hex": b"5a" * 16})


async def test_a_node_at_work_is_interrupted_and_stays_reachable(bench: BoardOnBench) -> None:
    make_node(bench, 31)
    await bench.plug()
    await bench.board.until(lambda: "cold boot" in bench.board.console.text())
    found = await look_at(bench)
    assert found.probe is not None
    assert (found.probe["node"], found.probe["key"], found.probe["firmware"]) == (31, True, "0.1.0")
    assert "prompt open for" in bench.board.console.text()
    assert bench.board.counts.starts == 1


@pytest.mark.parametrize(("node", "chip"), [(21, "esp32s3"), (31, "esp32")])
async def test_a_computer_that_repeats_its_ctrl_c_never_leaves_the_prompt_without_its_end(
    tmp_path: Path, node: int, chip: Chip
) -> None:
    """A second one while the node makes way for the prompt kept the watchdog from being fed."""
    bench = with_micropython("a", tmp_path, tmp_path / "ports", chip, heap_kb=320)
    make_node(bench, node)
    await bench.plug()
    try:
        await bench.board.until(lambda: "cold boot" in bench.board.console.text())
        for _ in range(400):
            bench.board.type(b"\r\x03")
            if ">>> " in bench.board.console.text():
                break
            await asyncio.sleep(0)
        await bench.board.until(lambda: ">>> " in bench.board.console.text())
        assert "prompt open for" in bench.board.console.text()
        assert bench.board.counts.starts == 1
    finally:
        await bench.close()


def test_a_computer_that_stalls_does_not_take_a_board_for_a_silent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every look at the clock is 5 s later than the last; the answer comes with the third try."""
    now = [0.0]

    def later() -> float:
        now[0] += 5.0
        return now[0]

    class Port:
        in_waiting = 0
        tries = 0

        def __enter__(self) -> "Port":
            return self

        def __exit__(self, *error: object) -> None: ...

        def write(self, content: bytes) -> None:
            self.tries += 1

        def read(self, size: int) -> bytes:
            return prompt.PROMPT if self.tries == 3 else b""

    monkeypatch.setattr("time.monotonic", later)
    monkeypatch.setattr(prompt, "_open", lambda path: Port())
    prompt.reach("/dev/null", 12.0, 3.0)


async def test_a_board_that_sleeps_is_asked_by_way_of_download_mode(bench: BoardOnBench) -> None:
    bench.board.install({"main.py": b"import machine\nmachine.deepsleep(10000000)\n"})
    await bench.plug()
    await bench.board.until(lambda: bench.board.state is State.ASLEEP)
    assert (await trouble_of(str(bench.port.path), silent_s=2.0)).key == "silent"
    found = await asyncio.to_thread(look, str(bench.port.path), silent_s=0.5)
    assert (found.chip, found.mac, found.why) == ("esp32", bench.mac.hex(), "silent")


async def test_a_board_without_a_program(tmp_path: Path) -> None:
    bench = blank("b", tmp_path, tmp_path / "ports", "esp32s3")
    await bench.plug()
    try:
        assert (await trouble_of(str(bench.port.path), PATIENT_S)).key == "blank"
        found = await look_at(bench)
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


@pytest.mark.parametrize("path", ["/dev/null", "/tmp", __file__])
async def test_what_is_no_serial_port(path: str) -> None:
    assert (await trouble_of(path)).key == "not_a_port"
    with pytest.raises(Trouble, match="not_a_port"):
        await asyncio.to_thread(flasher.identify, path)


async def test_ports_that_can_not_be_opened(bench: BoardOnBench, tmp_path: Path) -> None:
    assert (await trouble_of(str(tmp_path / "nothing"))).key == "port_gone"
    await bench.plug()
    with serial.Serial(str(bench.port.path), exclusive=True):
        assert (await trouble_of(str(bench.port.path))).key == "port_busy"
