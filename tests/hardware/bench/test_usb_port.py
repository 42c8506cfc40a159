"""A hub's port at its attribute of the kernel, and hubs that only pretend."""

from pathlib import Path

import pytest

from hardware.bench.usb_port import SysfsPort, UsbPortPower
from hardware.protocols import InstrumentError
from tests.hardware.instruments import HubPort


async def test_it_switches_by_the_file_of_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "disable").write_text("0\n")
    power = UsbPortPower(SysfsPort(tmp_path), "1-1-port2")
    await power.off()
    assert (tmp_path / "disable").read_text() == "1"
    await power.on()
    assert (tmp_path / "disable").read_text() == "0"


async def test_a_hub_that_switches_nothing_is_told() -> None:
    port = HubPort()
    port.stubborn = True
    with pytest.raises(InstrumentError, match="1-1-port2 was told on and is not: this hub can not switch"):
        await UsbPortPower(port, "1-1-port2").on()


async def test_a_hub_that_went_away_is_told() -> None:
    class Gone:
        def write(self, text: str) -> None:
            raise OSError(19, "No such device")

        def read(self) -> str:
            return "1"

    with pytest.raises(InstrumentError, match=r"No such device\. Is the hub plugged in"):
        await UsbPortPower(Gone(), "1-1-port2").on()


def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="disable is not there: is that the port of a hub"):
        SysfsPort(tmp_path)
