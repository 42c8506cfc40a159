"""The wiring tables of the technician's guide, from device_configs/boards."""

from device_configs.board import Board
from device_configs.catalog import builtin_catalog
from tools.node.words import Language

_PARTS: dict[str, dict[Language, str]] = {
    "i2c": {"en": "ADS1115 (level, 4-20 mA)", "nb": "ADS1115 (nivå, 4-20 mA)"},
    "onewire": {"en": "DS18B20, 4.7 kΩ from DQ to its V+", "nb": "DS18B20, 4,7 kΩ fra DQ til V+"},
    "uart": {"en": "ranger, HAN receiver or RS-485", "nb": "avstandsmåler, HAN-mottaker eller RS-485"},
    "pulse": {"en": "rain gauge's contact to ground", "nb": "regnmålerens kontakt til jord"},
    "battery": {"en": "battery, through the divider", "nb": "batteri, gjennom spenningsdeleren"},
    "sensor_power": {"en": "switch of the sensors' supply", "nb": "bryter for sensorenes forsyning"},
    "led": {"en": "LED", "nb": "lysdiode"},
    "button": {"en": "button to ground", "nb": "knapp til jord"},
    "sx1262": {"en": "SX1262 radio", "nb": "SX1262-radio"},
}
_HEAD: dict[Language, str] = {"en": "| part | pins (GPIO) |", "nb": "| del | pinner (GPIO) |"}


def table(board: Board, language: Language) -> str:
    """Return one board's table: each part that is wired, and its pins."""
    pins: dict[str, list[str]] = {}
    for place, pin in board.pins().items():
        part, key = place.split(".")
        pins.setdefault(part, []).append(str(pin) if key == "pin" else f"{key.removesuffix('_pin')} {pin}")
    rows = [f"| {_PARTS[part][language]} | {', '.join(found)} |" for part, found in pins.items()]
    return "\n".join([f"**{board.title}** (`{board.name}`)", "", _HEAD[language], "|---|---|", *rows])


def tables(language: Language) -> str:
    """Return the tables of all boards."""
    return "\n\n".join(table(board, language) for board in builtin_catalog().boards.values())
