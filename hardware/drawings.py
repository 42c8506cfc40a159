"""Wiring drawings as SVG: each board with each profile it fits, and what a board itself consists of.

`python -m hardware.drawings` writes them.

They are made from device_configs, so a pin in a drawing is the pin the firmware uses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from device_configs.board import Board
from device_configs.catalog import Catalog, builtin_catalog
from device_configs.schema import Profile

FOLDER = Path(__file__).parent / "drawings"
ROW, HEAD, GAP, WIDTH = 26, 34, 22, 960
BOARD_X, BOARD_W, PART_X, PART_W = 20, 250, 540, 400
SWITCHED, STEADY, GROUND = "3.3 V, switched", "3.3 V", "GND"
_STYLE = (
    "text{font:14px 'DejaVu Sans',sans-serif;fill:#1c2024}.t{font-weight:bold}.n{fill:#5c6670;font-size:12px}"
    "rect{fill:#fff;stroke:#1c2024;stroke-width:1.5}line{stroke:#1f5fa8;stroke-width:2}"
    ".p{stroke:#b3261e}.g{stroke:#1c2024}svg{background:#fcfcfb}"
)


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire: the board's end, the part's end, and what is in it."""

    board: str
    part: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    wires: tuple[Wire, ...]
    notes: tuple[str, ...] = ()


def parts(board: Board, profile: Profile, catalog: Catalog) -> list[Part]:
    """Return what is wired to a board for a profile. Raises LookupError where the board lacks an input."""
    found = []
    for name in dict.fromkeys(profile.sensors.values()):
        slots = [slot for slot, kind in profile.sensors.items() if kind == name]
        supply = SWITCHED if catalog.sensors[name].switched and board.sensor_power else STEADY
        found.append(_part(board, name, slots, supply))
    return found


def _part(board: Board, name: str, slots: list[str], supply: str) -> Part:
    which = " and ".join(slots)
    power = (Wire(supply, "V+"), Wire(GROUND, "GND"))
    wires: tuple[Wire, ...]
    if name == "ads1115" and board.i2c:
        wires = (Wire(_pin(board.i2c.scl), "SCL"), Wire(_pin(board.i2c.sda), "SDA"), *power)
        loops = (
            "each loop: transmitter, 100 Ω 0.1 % from AIN to GND,",
            "12-24 V from a boost; suppressor and 100 Ω at the entry",
        )
        inputs = ", ".join(f"AIN{i}: {slot}" for i, slot in enumerate(slots))
        return Part("ADS1115 at address 0x48", wires, (inputs, *loops))
    if name == "ds18b20" and board.onewire:
        wire = Wire(_pin(board.onewire.pin), "DQ", "4.7 kΩ to V+")
        return Part(f"DS18B20: {which}", (wire, *power), ("all probes on one bus, 20 m of cable at most",))
    if name == "mb7374" and board.uart:
        wires = (Wire(_pin(board.uart.rx), "5 serial"), Wire(supply, "6 V+"), Wire(GROUND, "7 GND"))
        return Part("MB7374 ultrasonic ranger", wires, ("TTL serial, 9600 8N1; 100 µF at its V+",))
    if name == "battery" and board.battery:
        ratio = board.battery.divider_permille / 1000
        wire = Wire(_pin(board.battery.pin), "divider", f"cell through 1 : {ratio:g}")
        notes = ["pulse capacitor across it"]
        if board.battery.enable_pin is not None:
            level = "high" if board.battery.enable_level else "low"
            notes.append(
                f"the divider is the board's own, on while GPIO {board.battery.enable_pin} is {level}"
            )
        return Part("battery, one Li-SOCl2 cell", (wire, Wire(GROUND, "cell -")), tuple(notes))
    if name == "han" and board.uart:
        wires = (Wire(_pin(board.uart.rx), "TXD"), Wire(STEADY, "VCC"), Wire(GROUND, "GND"))
        return Part("HAN receiver (M-Bus, galvanically apart)", wires, ("RJ45 1-2 to the meter; 2400 baud",))
    if name == "pulses" and board.pulse:
        wire = Wire(_pin(board.pulse.pin), "contact", "10 nF to GND")
        return Part("tipping bucket", (wire, Wire(GROUND, "contact")))
    if name == "s0" and board.pulse:
        wire = Wire(_pin(board.pulse.pin), "S0+", "10 nF to GND")
        return Part(
            "S0 output of a meter", (wire, Wire(GROUND, "S0-")), ("an open collector, galvanically apart",)
        )
    if name == "sdm630" and board.uart and board.uart.tx is not None:
        wires = (Wire(_pin(board.uart.rx), "RO"), Wire(_pin(board.uart.tx), "DI"), *power)
        return Part("RS-485 converter, galvanically apart", wires, ("A, B to the meter; 120 Ω at the end",))
    raise LookupError(f"{board.name} has no input for `{name}`")


def own_parts(board: Board) -> list[Part]:
    """Return what belongs to a board itself: a board from a shop has it, a plain ESP32 is to be given it."""
    found = []
    if board.sx1262:
        radio = board.sx1262
        pins = {
            "SCK": radio.sck, "MOSI": radio.mosi, "MISO": radio.miso, "NSS": radio.cs,
            "BUSY": radio.busy, "DIO1": radio.dio1, "NRESET": radio.reset,
        }  # fmt: skip
        wires = [Wire(_pin(pin), name) for name, pin in pins.items()]
        notes = ["never without its antenna"]
        if radio.tcxo_mv:
            notes.append(f"its crystal gets {radio.tcxo_mv / 1000:g} V from its own DIO3")
        if radio.dio2_rf_switch:
            notes.append("its antenna switch is driven by its own DIO2")
        power = (Wire(STEADY, "VCC"), Wire(GROUND, "GND"))
        found.append(Part("SX1262 radio", (*wires, *power), tuple(notes)))
    if board.led:
        level = "high" if board.led.on_level else "low"
        other = GROUND if board.led.on_level else STEADY
        wires = [Wire(_pin(board.led.pin), "one end", "1 kΩ"), Wire(other, "other end")]
        found.append(Part("light", tuple(wires), (f"{level} is on",)))
    if board.button:
        wires = [Wire(_pin(board.button.pin), "one end"), Wire(GROUND, "other end")]
        found.append(Part("button", tuple(wires)))
    return found


def _pin(number: int) -> str:
    return f"GPIO {number}"


def drawing(board: Board, profile: Profile, catalog: Catalog) -> str:
    """Return the drawing as SVG. Raises LookupError where the board does not fit the profile."""
    return _drawn(board, f"{profile.title}, node on {board.title}", parts(board, profile, catalog))


def own_drawing(board: Board) -> str:
    """Return the drawing of what belongs to the board itself, as SVG."""
    return _drawn(board, f"{board.title}: what belongs to the board itself", own_parts(board))


def _drawn(board: Board, title: str, found: list[Part]) -> str:
    body: list[str] = []
    y = 70
    for part in found:
        height = HEAD + ROW * len(part.wires) + 18 * len(part.notes) + 8
        body.append(f'<rect x="{PART_X}" y="{y}" width="{PART_W}" height="{height}"/>')
        body.append(_text(PART_X + 10, y + 22, part.title, "t"))
        at = y + HEAD + 10
        for wire in part.wires:
            kind = "g" if wire.board == GROUND else "p" if "V" in wire.board else ""
            body.append(f'<line class="{kind}" x1="{BOARD_X + BOARD_W}" x2="{PART_X}" y1="{at}" y2="{at}"/>')
            body.append(_text(BOARD_X + BOARD_W - 10, at + 5, wire.board, anchor="end"))
            body.append(_text(PART_X + 10, at + 5, wire.part))
            if wire.note:
                middle = (BOARD_X + BOARD_W + PART_X) / 2
                body.append(_text(middle, at - 5, wire.note, "n", "middle"))
            at += ROW
        for note in part.notes:
            body.append(_text(PART_X + 10, at + 2, note, "n"))
            at += 18
        y += height + GAP
    if board.sensor_power:
        level = "high" if board.sensor_power.on_level else "low"
        text = f"{SWITCHED}: by GPIO {board.sensor_power.pin}, {level} is on"
        body.append(_text(BOARD_X + 10, y - 4, text, "n"))
        y += 18
    frame = f'<rect x="{BOARD_X}" y="40" width="{BOARD_W}" height="{y - 50}"/>'
    name = _text(BOARD_X + 10, 60, board.name, "t")
    head = _text(BOARD_X, 24, title, "t")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 10}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE}</style>\n'
        + "\n".join([frame, head, name, *body])
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def drawings() -> Iterator[tuple[Path, str]]:
    """Yield (file, SVG) of every board, alone and with every profile it fits."""
    catalog = builtin_catalog()
    for board in catalog.boards.values():
        yield FOLDER / f"board-{board.name}.svg", own_drawing(board)
    for profile in catalog.profiles.values():
        for board in catalog.boards.values():
            try:
                yield FOLDER / f"{profile.name}-{board.name}.svg", drawing(board, profile, catalog)
            except LookupError:
                continue


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    for path, text in drawings():
        path.write_text(text)


if __name__ == "__main__":
    main()
