"""What the rig's tests have beside the bench: a gateway of their own, and the program for the board."""

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from device_configs.compile import node_settings, settings_bytes
from hardware.report import FRAMES
from hardware.rig import Bench
from tests.rig.gateway import KEY, RigGateway
from tools.firmware_image import compiled

INTERVAL_S = 60
SLOW_S = 15  # what a computer with much else to do may take: it passes on the bench's clock as well
FIRMWARE = "SENSORNETT_RIG_FIRMWARE"  # a folder with other firmware files than the project's


@pytest.fixture
async def gateway(bench: Bench, tmp_path: Path, artefacts: Path) -> AsyncIterator[RigGateway]:
    """The project's own gateway behind a real broker, on the bench's clock."""
    made = RigGateway(bench, tmp_path / "gateway")
    await made.start_broker()
    await made.start()
    yield made
    await made.stop()
    await made.stop_broker()
    (artefacts / FRAMES).write_text("".join(f"{at_ms} {frame.hex()}\n" for at_ms, frame in made.heard))


@pytest.fixture
def firmware() -> Mapping[str, bytes]:
    """The node's files: the project's, or those of the folder that the environment names."""
    other = os.environ.get(FIRMWARE)
    if other is None:
        return compiled()
    folder = Path(other)
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def burn_in_hours(request: pytest.FixtureRequest) -> float:
    """How long a burn-in takes, by the bench's clock."""
    return float(request.config.getoption("--burn-in-hours"))


@pytest.fixture
def interval_s() -> int:
    """How often the node measures."""
    return INTERVAL_S


@pytest.fixture
def program(
    bench: Bench, gateway: RigGateway, firmware: Mapping[str, bytes], interval_s: int
) -> Mapping[str, bytes]:
    return program_of(bench, gateway, firmware, interval_s)


def program_of(
    bench: Bench, gateway: RigGateway, firmware: Mapping[str, bytes], interval_s: int = INTERVAL_S
) -> Mapping[str, bytes]:
    """Return all that provisioning puts on the board: firmware, settings, key."""
    network = bench.file.network
    settings = node_settings(
        bench.site,
        bench.node,
        host=network.host,
        port=gateway.port,
        ssid=network.ssid,
        wifi_password=network.wifi_password,
        interval_s=interval_s,
    )
    return {**firmware, "settings.json": settings_bytes(settings), "key.hex": KEY.hex().encode()}
