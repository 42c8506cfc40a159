"""Terminal sessions of the technician's guide, from the commands themselves on virtual boards.

    python -m tools.technician_sessions [FILE ...]

runs the sessions with real flasher, real MicroPython, a real broker and a gateway, and puts what the terminal
showed between the marks <!-- session NAME --> and <!-- end --> of docs/technician*.md and docs/radio.md.
Times are left out, since those of virtual boards say nothing. Where one ends otherwise than it should nothing
is written.
"""

import asyncio
import json
import os
import pty
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from device_configs.loader import SITES, load_site
from hardware.virtual.clock import RealClock
from tools import radio_site
from tools.air import Air
from tools.node.trouble import FAILED, NO_DEVICE, UNVERIFIED
from tools.node.words import Language
from tools.programs import Gateway
from tools.servers import HOST, Mosquitto, free_port
from tools.technician_boards import BRIDGE, SnowBoard, bridge_board, program
from tools.update.bundle import bundle_of, manifest_for
from tools.update.bundle import program as bundle_program
from tools.update.hotspot import taken_port
from tools.update.signing import read_key, sign
from tools.wiring_tables import tables

GUIDES: dict[Language, Path] = {"en": Path("docs/technician.en.md"), "nb": Path("docs/technician.md")}
RADIO = Path("docs/radio.md")  # in English
NODE, LORA_NODE, SITE = 21, 22, "narvik-demo"
HOTSPOT = "sensornett-service"
LORA = f"""
lora: {{frequency_khz: 868100, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14, bridge: {BRIDGE}}}
"""
PORTS = " --ports dev"  # in the place of USB's
PRESS_EVERY_S = 20.0  # a busy computer's gateway may answer too late: a technician presses again
AWAKE_S = 2.0  # a node that sleeps on the shelf is reached while its button keeps it awake
HOUR_S = 3600
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


Step = tuple[str, int]  # what is typed, and the status it ends with


class Session:
    """Commands in one folder with one language; what they showed is kept by the name of each session."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder, self._language = folder, language
        self.told: dict[str, str] = {}

    async def __call__(
        self, name: str, *steps: str | Step, meanwhile: Callable[[], Any] | None = None
    ) -> None:
        """Run what is typed, one after the other, with `meanwhile` beside the last. Raises RuntimeError."""
        terminal = Terminal(self.folder, self._language)
        for step in steps:
            command, status = step if isinstance(step, tuple) else (step, 0)
            await terminal.run(command, meanwhile if step == steps[-1] else None, status)
        self.told[name] = "\n".join(terminal.lines).rstrip()


async def in_all_languages(folder: Path) -> list[dict[str, str]]:
    """Run the sessions of every guide, side by side."""
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(sessions(language, folder / language)) for language in GUIDES]
    return [task.result() for task in running]


async def sessions(language: str, folder: Path) -> dict[str, str]:
    """Run all sessions in one language; return each as text, by its name."""
    wifi, radio = folder / "wifi", folder / "radio"
    told = await by_wifi(language, wifi)
    return told | await by_radio(language, radio, wifi)


async def by_wifi(language: str, folder: Path) -> dict[str, str]:
    """A node that reports over Wi-Fi, from the box to its end; and the gateway's bridge."""
    prepare(folder)
    shutil.copytree(SITES / SITE, folder / SITE)
    port = free_port()
    network = {"broker": {"host": HOST, "port": port}, "wifi": {"ssid": SITE, "password": ""}}
    (folder / "state/network.yaml").write_text(json.dumps(network))
    site = load_site(folder / SITE)

    def snow(name: str) -> SnowBoard:
        return SnowBoard(f"{name}-{language}", folder / name, folder / "dev/ttyUSB0", site, NODE, SITE)

    first, spare = snow("board"), snow("spare")
    cable, where = first.bench.port.cable, f"--site {SITE} --state state"
    at_port = f"{where} --port /dev/ttyUSB0"
    session = Session(folder, language)
    try:
        await first.bench.plug()
        await session("key", "update key update.pem")
        (folder / "state/update-keys").mkdir()
        shutil.copy(folder / "update.pub", folder / "state/update-keys/1.pub")
        await session("wrong", (f"node provision 31 {at_port}", UNVERIFIED))
        cable.unplug_after = 60_000
        await session("cut", (f"node provision {NODE} {at_port}", NO_DEVICE))
        cable.unplug_after = None
        await first.bench.plug()
        await session("provision", f"node provision {NODE} {at_port}")
        await session("label", f"node label {NODE} {where} --text")
        broker, gateway = _servers(folder, port)
        await asyncio.to_thread(broker.start)
        try:
            await asyncio.to_thread(gateway.start)
            await session("build", *_build(first.kind))
            push = f"{where} --broker {HOST}:{port} --patience-min 30 --broker-password-file password"
            finger = first.pressing(PRESS_EVERY_S)
            await session("push", f"update push update/2.signed {push}", meanwhile=finger)
            offers = refused(folder, first.kind)
            await session("refused", *((f"update push {o} {push}", s) for o, s in offers), meanwhile=finger)
            (folder / SITE / "photos").mkdir()
            (folder / SITE / f"photos/{NODE}-mast.jpg").write_bytes(b"")
            await session("commission", f"node commission {NODE} {where}")
        finally:
            await asyncio.to_thread(gateway.stop)
            await asyncio.to_thread(broker.stop)
        nodes = (folder / SITE / "nodes.yaml").read_text()
        (folder / SITE / "nodes.yaml").write_text(nodes.replace("interval_s: 600", "interval_s: 900"))
        await session("settings", f"node settings {NODE} {where} --push")
        await session("status", f"update status {where}")
        await first.bench.unplug()
        await spare.bench.plug()
        again = (f"node provision {NODE} {at_port}", UNVERIFIED)
        await session("replace", again, f"node replace {NODE} {at_port}")
        await session("forget", f"node forget {NODE} {at_port}", meanwhile=spare.pressing(AWAKE_S))
        await spare.bench.unplug()
        with (folder / SITE / "site.yaml").open("a") as file:
            file.write(LORA)
        bridge = bridge_board(f"bridge-{language}", folder / "bridge", folder / "dev/ttyUSB1")
        try:
            await bridge.plug()
            await session("bridge", f"node provision bridge {where} --port /dev/ttyUSB1", f"node list{PORTS}")
        finally:
            await bridge.close()
    finally:
        await first.bench.close()
        await spare.bench.close()
    return {name: text.replace(f"{HOST}:{port}", "gateway:1883") for name, text in session.told.items()}


async def by_radio(language: str, folder: Path, signed: Path) -> dict[str, str]:
    """A node by LoRa takes the program that lies signed in another folder, at the technician's hotspot."""
    prepare(folder)
    radio_site.by_radio(SITES / SITE, folder)
    shutil.copytree(signed / "update", folder / "update")
    shutil.copytree(signed / "state/update-keys", folder / "state/update-keys")
    port, password = free_port(), secrets.token_urlsafe(12)
    (folder / "state/network.yaml").write_text(json.dumps({"hotspot": {"password": password, "port": port}}))
    site, where = load_site(folder / SITE), f"--site {SITE} --state state"
    air = Air(site, RealClock(), folder / "air")
    antenna, usb = air.antenna_of(site.node(LORA_NODE)), folder / "dev/ttyUSB0"
    name = f"mast-{language}"
    mast = SnowBoard(name, folder / "board", usb, site, LORA_NODE, HOTSPOT, password, antenna)
    session = Session(folder, language)
    (folder / "password").write_text("none: no node here meets a broker")
    radios = air.gateway_arguments()
    gateway = Gateway(
        folder / "state", folder / SITE, f"{HOST}:{free_port()}", folder / "password", radios=radios
    )
    try:
        await mast.bench.plug()
        await session("-", f"node provision {LORA_NODE} {where} --port /dev/ttyUSB0")
        await asyncio.to_thread(gateway.start)
        await air.open()
        await mast.is_heard()
        finger = mast.holding(lambda: taken_port(port), "update 2: on trial", PRESS_EVERY_S)
        hotspot = f"update hotspot update/2.signed {where} --nodes {LORA_NODE}"
        await session("hotspot", hotspot, meanwhile=finger)
    finally:
        await mast.bench.close()
        await asyncio.to_thread(gateway.stop)
        await air.end()
    return {name: text for name, text in session.told.items() if name != "-"}


def prepare(folder: Path) -> None:
    """Make what a technician's laptop has: a folder of ports, MicroPython, an empty state directory."""
    for name in ("dev", "micropython", "state"):
        (folder / name).mkdir(parents=True)
    for kind, chip_id in (("ESP32_GENERIC_S3", 9), ("ESP32_GENERIC", 0)):
        (folder / f"micropython/{kind}-20260901-v1.29.0.bin").write_bytes(program(chip_id))


def refused(folder: Path, board: str) -> list[Step]:
    """Make updates that nobody takes: unsigned, expired, older than 2; return each with its status."""
    key = read_key(folder / "update.pem", None)
    offers: list[Step] = []
    for number, expires_s, signed, status in (
        (3, HOUR_S, False, UNVERIFIED),
        (4, -HOUR_S, True, UNVERIFIED),
        (1, HOUR_S, True, FAILED),
    ):
        content = bundle_of(bundle_program(number, f"0.{number}.0"))
        expires = int(time.time()) + expires_s
        message = manifest_for(content, number, f"0.{number}.0", [board], 1, expires).message()
        name = f"update/{number}.{'signed' if signed else 'manifest'}"
        (folder / name).write_bytes(message + (sign(message, key) if signed else b""))
        (folder / f"update/{number}.bundle").write_bytes(content)
        offers.append((name, status))
    return offers


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
    with tempfile.TemporaryDirectory(prefix="sessions-") as folder:
        found = asyncio.run(in_all_languages(Path(folder).resolve()))
    for (language, guide), told in zip(GUIDES.items(), found, strict=True):
        for page in (guide, RADIO) if language == "en" else (guide,):
            page.write_text(put_into(page.read_text(), told, tables(language)))
            print(f"wrote {page}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
