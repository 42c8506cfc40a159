"""Terminal sessions of the technician's guide, from the commands themselves on virtual boards.

    python -m tools.technician_sessions [FILE ...]

runs the sessions with real flasher, real MicroPython, a real broker and a gateway, and puts what the terminal
showed between the marks <!-- session NAME --> and <!-- end --> of docs/technician*.md and docs/radio.md.
Times are left out, since those of virtual boards say nothing. Where one ends otherwise than it should nothing
is written.
"""

import asyncio
import dataclasses
import json
import os
import pty
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from device_configs.catalog import builtin_catalog
from device_configs.loader import SITES, load_site
from hardware.virtual.chips.front import Button
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import Surroundings, radio_wiring, wire
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.wiring import Wiring
from hardware.virtual.workbench import BoardOnBench
from tools.node.trouble import NO_DEVICE, UNVERIFIED
from tools.node.words import Language
from tools.programs import Gateway
from tools.servers import HOST, Mosquitto, free_port
from tools.wiring_tables import tables

GUIDES: dict[Language, Path] = {"en": Path("docs/technician.en.md"), "nb": Path("docs/technician.md")}
RADIO = Path("docs/radio.md")  # in English
NODE, SITE, BRIDGE = 21, "narvik-demo", "heltec-v3"
LORA = f"""
lora: {{frequency_khz: 868100, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14, bridge: {BRIDGE}}}
"""
PORTS = " --ports dev"  # in the place of USB's
PRESS_EVERY_S = 20.0  # a busy computer's gateway may answer too late: a technician presses again
TRUE = {"distance": 2400.0, "air": -6.0, "battery": 3.6}
_TIME = re.compile(r"  \d+\.\d s$")


def shown(raw: bytes) -> list[str]:
    """Return what a terminal shows in the end of what was sent to it."""
    lines = raw.decode(errors="replace").replace("\r\n", "\n").split("\n")
    return [_TIME.sub("", line.rsplit("\r", 1)[-1].rstrip()) for line in lines]


class Terminal:
    """Runs commands in a folder as somebody would type them, and keeps what was seen."""

    def __init__(self, folder: Path, language: str) -> None:
        self._folder, self._language = folder, language
        self.lines: list[str] = []

    async def run(self, command: str, meanwhile: Callable[[], Any] | None = None, status: int = 0) -> None:
        """Run `sensornett <command>`, and `meanwhile` beside it. Raises RuntimeError on another `status`."""
        ours, theirs = pty.openpty()
        words = [sys.executable, "-P", "-m", "tools.cli", *command.replace("/dev/", "dev/").split()]
        environment = {**os.environ, "NO_COLOR": "1", "LANG": f"{self._language}_NO.UTF-8", "COLUMNS": "100"}
        environment |= {"PYTHONPATH": str(Path.cwd())}
        process = await asyncio.create_subprocess_exec(
            *words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=self._folder, env=environment
        )
        os.close(theirs)
        beside = asyncio.ensure_future(meanwhile()) if meanwhile else None
        raw = await asyncio.to_thread(_read_all, ours)
        ended = await process.wait()
        if beside:
            beside.cancel()
            with suppress(asyncio.CancelledError):
                await beside
        if ended != status:
            raise RuntimeError(f"sensornett {command}: status {ended}, not {status}\n{raw.decode()}")
        seen = [line.replace(f"{self._folder}/", "") for line in shown(raw)]
        seen = [re.sub(r"(?<!/)dev/tty", "/dev/tty", line) for line in seen]
        self.lines += [f"$ sensornett {command.removesuffix(PORTS)}", *seen]


def _read_all(descriptor: int) -> bytes:
    content = b""
    with suppress(OSError):  # how the other end of a terminal tells that it was closed
        while piece := os.read(descriptor, 65536):
            content += piece
    os.close(descriptor)
    return content


def program(chip_id: int) -> bytes:
    """Return an image as a flasher sees it; the virtual board brings its own MicroPython."""
    head = bytes((0xE9, 1, 2, 0x20)) + bytes(8) + chip_id.to_bytes(2, "little") + bytes(10)
    return head + bytes(i * 37 & 0xFF for i in range(120_000))


async def sessions(language: str, folder: Path) -> dict[str, str]:
    """Run all sessions in one language; return each as text, by its name."""
    shutil.copytree(SITES / SITE, folder / SITE)
    (folder / "dev").mkdir()
    images = folder / "micropython"
    images.mkdir()
    (images / "ESP32_GENERIC_S3-20260901-v1.29.0.bin").write_bytes(program(9))
    (images / "ESP32_GENERIC-20260901-v1.29.0.bin").write_bytes(program(0))
    port, clock = free_port(), RealClock()
    (folder / "state").mkdir()
    network = {"broker": {"host": HOST, "port": port}, "wifi": {"ssid": SITE, "password": ""}}
    (folder / "state/network.yaml").write_text(json.dumps(network))
    site = load_site(folder / SITE)
    around = Surroundings({name: (lambda value=value: value) for name, value in TRUE.items()})  # type: ignore[misc]
    wiring = wire(
        site.node(NODE), site.catalog, around, clock, lambda chip: lambda channel, raw, utc_ms: None
    )
    kind = site.catalog.boards[site.node(NODE).board]
    assert kind.button
    button = Button(clock)
    wiring = dataclasses.replace(wiring, pins={**wiring.pins, kind.button.pin: button})
    board = BoardOnBench(
        f"board-{language}",
        folder / "board",
        folder / "dev/ttyUSB0",
        chip="esp32s3",
        wiring=wiring,
        clock=clock,
        access_point=AccessPoint(clock, SITE),
    )
    where = f"--site {SITE} --state state"
    told: dict[str, str] = {}

    async def session(
        name: str, *commands: str, meanwhile: Callable[[], Any] | None = None, status: int = 0
    ) -> None:
        terminal = Terminal(folder, language)
        for command in commands:
            await terminal.run(command, meanwhile if command == commands[-1] else None, status)
        told[name] = "\n".join(terminal.lines).rstrip()

    try:
        await board.plug()
        await session("key", "update key update.pem")
        (folder / "state/update-keys").mkdir()
        shutil.copy(folder / "update.pub", folder / "state/update-keys/1.pub")
        await session("wrong", f"node provision 31 {where} --port /dev/ttyUSB0", status=UNVERIFIED)
        board.port.cable.unplug_after = 60_000
        await session("cut", f"node provision {NODE} {where} --port /dev/ttyUSB0", status=NO_DEVICE)
        board.port.cable.unplug_after = None
        await board.plug()
        await session("provision", f"node provision {NODE} {where} --port /dev/ttyUSB0")
        await session("label", f"node label {NODE} {where} --text")
        broker, gateway = _servers(folder, port)
        await asyncio.to_thread(broker.start)
        try:
            await asyncio.to_thread(gateway.start)
            await session("build", *_build(kind.name))
            push = f"update push update/2.signed {where} --broker {HOST}:{port} --patience-min 30"
            await session("push", f"{push} --broker-password-file password", meanwhile=pressing(button))
            (folder / SITE / "photos").mkdir()
            (folder / SITE / f"photos/{NODE}-mast.jpg").write_bytes(b"")
            await session("commission", f"node commission {NODE} {where}")
        finally:
            await asyncio.to_thread(gateway.stop)
            await asyncio.to_thread(broker.stop)
        nodes = (folder / SITE / "nodes.yaml").read_text()
        (folder / SITE / "nodes.yaml").write_text(nodes.replace("interval_s: 600", "interval_s: 900"))
        await session("settings", f"node settings {NODE} {where} --push")
        await board.unplug()
        with (folder / SITE / "site.yaml").open("a") as file:
            file.write(LORA)
        bridge = _bridge(language, folder)
        try:
            await bridge.plug()
            await session("bridge", f"node provision bridge {where} --port /dev/ttyUSB1", f"node list{PORTS}")
        finally:
            await bridge.close()
    finally:
        await board.close()
    return {name: text.replace(f"{HOST}:{port}", "gateway:1883") for name, text in told.items()}


def pressing(button: Button) -> Callable[[], Any]:
    """Return who presses a button now and then, until told to stop."""

    async def press() -> None:
        while True:
            await button.press()
            await asyncio.sleep(PRESS_EVERY_S)

    return press


def _bridge(language: str, folder: Path) -> BoardOnBench:
    pins = builtin_catalog().boards[BRIDGE].sx1262
    assert pins
    spi, wired = radio_wiring(pins, Antenna("bridge", Medium(RealClock())))
    port = folder / "dev/ttyUSB1"
    return BoardOnBench(
        f"bridge-{language}", folder / "bridge", port, chip="esp32s3", wiring=Wiring(spi=spi, pins=wired)
    )


def _unseen(channel: str, raw: int, utc_ms: int) -> None:
    """Nobody asks which samples were taken."""


def _build(board: str) -> list[str]:
    build = f"update build --number 2 --version 0.2.0 --board {board}"
    return [build, "update sign update/2.manifest --key update.pem"]


def _servers(folder: Path, port: int) -> tuple[Mosquitto, Gateway]:
    files, password = folder / "state/broker", folder / "password"
    password.write_text(json.loads((folder / "state/broker.json").read_text())["users"]["gateway"])
    own = [f"password_file {files / 'passwords'}", f"acl_file {files / 'access'}", "allow_anonymous false"]
    gateway = Gateway(folder / "state", folder / SITE, f"{HOST}:{port}", password)
    return Mosquitto(folder / "mosquitto", port, settings=own), gateway


def put_into(guide: str, told: dict[str, str], wiring: str) -> str:
    """Return the guide with the sessions and the wiring tables in their places."""

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        return f"<!-- session {name} -->\n```\n{told[name]}\n```\n<!-- end -->"

    wired = f"<!-- wiring -->\n{wiring}\n<!-- end -->"
    guide = re.sub(r"<!-- wiring -->.*?<!-- end -->", lambda found: wired, guide, flags=re.DOTALL)
    return re.sub(r"<!-- session (\w+) -->.*?<!-- end -->", fill, guide, flags=re.DOTALL)


def main() -> int:
    for language, guide in GUIDES.items():
        with tempfile.TemporaryDirectory(prefix="sessions-") as folder:
            told = asyncio.run(sessions(language, Path(folder).resolve()))
        for page in (guide, RADIO) if language == "en" else (guide,):
            page.write_text(put_into(page.read_text(), told, tables(language)))
            print(f"wrote {page}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
