"""A second ESP32 becomes the stimulus board of a bench: MicroPython, firmware, and what is wired to it."""

import json
from pathlib import Path

from hardware.bench.flasher import EsptoolFlasher
from hardware.bench.serial_console import SerialConsole
from hardware.protocols import InstrumentError
from hardware.virtual.clock import RealClock
from tools.firmware_image import compiled
from tools.node.flasher import check_image
from tools.node.trouble import Trouble

WIRED = Path(__file__).parents[1] / "hardware/bench/stimulus.json"
CHIP, FLASH_MB = "esp32", 4


def settings_of(path: Path) -> bytes:
    """Return the settings in a file. Raises InstrumentError where they are not a stimulus board's."""
    try:
        content = path.read_bytes()
        found = json.loads(content)
    except OSError as error:
        raise InstrumentError(
            f"{path}: {error.strerror}. Leave --settings out for the usual wiring."
        ) from error
    except ValueError as error:
        raise InstrumentError(f"{path}: {error}. {WIRED} is an example.") from error
    if not isinstance(found, dict) or found.get("role") != "stimulus" or not found.get("stimulus"):
        raise InstrumentError(f"{path} says nothing of a stimulus board: {WIRED} is an example")
    return content


async def make(port: str, image: Path, settings: Path) -> None:
    """Flash the board at `port`; it begins with its next power-on. Raises InstrumentError."""
    try:
        check_image(image, CHIP)
    except Trouble as error:
        raise InstrumentError(f"{image} is no MicroPython for the {CHIP}: see hardware/README.md") from error
    files = {**compiled(), "settings.json": settings_of(settings)}
    console = SerialConsole(port, RealClock())
    try:
        flasher = EsptoolFlasher(console, CHIP, image, FLASH_MB)
        await flasher.program()
        await flasher.files(files)
    finally:
        await console.close()
