"""What is known to go wrong with MicroPython on ESP32, one test for each that a virtual board can show.

Elsewhere: ticks that wrap, the epoch of 1970 and a drifting clock (node/test_app.py, node/test_clock.py),
RTC memory and NVS (node/test_retained.py, ../hardware/virtual/shims/test_esp32.py), the 85.0 degrees
(drivers/test_ds18b20.py), a counter in deep sleep (drivers/test_pulses.py), power cuts (test_power_cuts.py),
AES modes (wire/test_seal.py), a broker that hangs (node/carriers/test_mqtt.py).
"""

import ast
from pathlib import Path

import pytest

from hardware.virtual.board import Board
from hardware.virtual.clock import VirtualClock
from tests.firmware.interpreter import FIRMWARE_LIB
from tools.firmware_image import compiled

# Scales that only a gateway multiplies by, and bandwidths in kHz as micropython-lib's modems name them.
WITH_FLOATS = {"quantities.py", "sx126x.py"}
MODULES = sorted(path for path in FIRMWARE_LIB.rglob("*.py"))


async def started(folder, tree):
    board = Board("node", folder, clock=VirtualClock())
    board.install({**compiled(), **tree})
    await board.power_on()
    await board.until(lambda: board.asleep or board.stuck)
    return board


@pytest.mark.parametrize(
    "broken", [b"raise MemoryError", b"import nowhere", b"def main(", b"import sys; sys.exit()"]
)
async def test_an_error_in_the_firmware_itself_ends_in_sleep_not_in_the_prompt(tmp_path, broken):
    files = {**compiled(), "lib/node/app.py": broken}
    del files["lib/node/app.mpy"]
    board = Board("node", tmp_path, clock=VirtualClock())
    board.install(files)
    await board.power_on()
    await board.until(lambda: board.counts.wakes == 2 and board.asleep)
    assert "deep sleep 600000 ms" in board.console.text()
    assert not board.stuck
    await board.close()


async def test_ctrl_c_opens_the_prompt_and_the_watchdog_does_not_bite_for_a_quarter_of_an_hour(tmp_path):
    files = {**compiled(), "lib/node/app.py": b"def main(watchdog):\n    raise KeyboardInterrupt\n"}
    del files["lib/node/app.mpy"]
    board = Board("node", tmp_path, clock=VirtualClock())
    board.install(files)
    await board.power_on()
    await board.until(lambda: "prompt open" in board.console.text())
    await board.close()
    assert board.counts.watchdog_resets == 0


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FIRMWARE_LIB)))
def test_no_floats(path: Path):
    """Single precision ends at 24 bits: a time in seconds would be wrong by minutes, a register by kWh."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append((node.lineno, node.value))
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append((node.lineno, "/"))
    assert found == [] or path.name in WITH_FLOATS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FIRMWARE_LIB)))
def test_no_module_is_too_large_for_the_heap_of_a_node(path: Path):
    """A dense source file of 26 kB does not compile on an ESP32; 16 kB do, should mpy-cross be forgotten."""
    assert path.stat().st_size < 17_000
