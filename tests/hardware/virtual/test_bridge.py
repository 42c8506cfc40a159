"""The virtual bridge itself; what it does for a gateway is in tests/gateway/carriers/test_bridge.py."""

from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.compile import bridge_settings
from hardware.virtual.board import State
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.medium import Antenna, Medium
from tools.firmware_image import compiled
from wire import bridge as cable


async def test_it_says_hello_each_time_it_is_plugged_in(tmp_path: Path) -> None:
    antenna = Antenna("bridge", Medium(RealClock()))
    kind = builtin_catalog().boards["lilygo-t3s3"]
    bridge = VirtualBridge(tmp_path / "board", tmp_path / "port", antenna, kind, compiled())
    said: list[tuple[int, int, bytes]] = []
    lines = cable.Lines()
    bridge.tap = lambda content: said.extend(lines.feed(content))
    try:
        for times in (1, 2):
            await bridge.plug()
            assert (tmp_path / "port").exists()
            await bridge.board.until(lambda n=times: sum(m[0] == cable.HELLO for m in said) == n, 60)  # type: ignore[misc]
            await bridge.unplug()
            assert not (tmp_path / "port").exists()
            assert bridge.board.state is State.OFF
    finally:
        await bridge.close()
    boots = {body[1:3] for kind, _, body in said if kind == cable.HELLO}
    assert len(boots) == 2, "each start draws a number of its own"


def test_a_board_without_a_radio_is_no_bridge() -> None:
    with pytest.raises(ValueError, match="no LoRa radio"):
        bridge_settings(builtin_catalog().boards["esp32-han"])
