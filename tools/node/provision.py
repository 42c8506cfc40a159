"""Makes a board a node, in stages that can be taken up again wherever they broke off.

What decides is the board itself and the registry: each stage looks first whether its work is done. The key is
in the gateway's key store before the board gets it; a board whose work broke off keeps its key. main.py goes
last onto a board and is taken off first, so that a half-copied program never runs.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device_configs.compile import Settings, settings_bytes
from device_configs.keys import KEY_SIZE, read_keys, write_keys
from device_configs.model import Node, Site
from tools.node import flasher, label, prompt
from tools.node.credentials import Credentials
from tools.node.handing_out import hand_out
from tools.node.look import Found, look
from tools.node.network import Network, settings_for
from tools.node.progress import Progress
from tools.node.registry import Registry
from tools.node.remote import Board
from tools.node.trouble import Trouble
from wire.quantities import OK

MAIN = "main.py"
HARDWARE = 1  # revision of the boards in device_configs/boards
FIRST_START_S = 60  # MicroPython makes its file system before it says anything
KEYS = "update-keys"  # folder of those a node trusts, in the state directory
KEYS_MAX = 2  # the key of updates in use, and the next one
# Modules that were imported before the copying are of the program that was there.
SELFTEST = """
import json, sys
for name in list(sys.modules):
    if name.split(".")[0] in ("node", "wire", "drivers"):
        del sys.modules[name]
from node import selftest, version
found = selftest.run()
found["firmware"] = version.FIRMWARE
print("@@ " + json.dumps(found))
"""
_REMOVE = """
import os
for path in %r:
    try:
        os.remove("/" + path)
    except OSError:
        pass
print("@@ null")
"""
# Left over from another version; a .py would be taken before a .mpy of the same name.
_REMOVE_STRAYS = """
import os
wanted = %r
def tidy(path):
    for name, kind, *_ in os.ilistdir(path):
        full = path + "/" + name
        if kind == 0x4000:
            tidy(full)
        elif full[1:] not in wanted:
            os.remove(full)
try:
    tidy("/lib")
except OSError:
    pass
print("@@ null")
"""
# The next start is a cold one: only that looks at the shelf, and nothing of an earlier life goes on.
_SHELVE = """
import machine
machine.RTC().memory(b"")
if %r:
    with open("/shelf", "wb"):
        pass
print("@@ null")
"""


@dataclass(slots=True)
class Workshop:
    """What provisioning works with: `firmware` by path on the node, `images` MicroPython's folder."""

    site: Site
    state: Path
    registry: Registry
    credentials: Credentials
    network: Network | None
    firmware: Mapping[str, bytes]
    images: Path
    labels: Path
    progress: Progress


@dataclass(slots=True)
class Result:
    """How it went: `did` is "already", "provisioned" or "replaced"."""

    node: int
    did: str
    mac: str
    files_copied: int = 0
    flashed: bool = False
    asleep: bool = False  # and so not looked into
    labels: list[Path] = field(default_factory=list)
    selftest: dict[str, Any] = field(default_factory=dict)


def provision(
    shop: Workshop, node: Node, port: str, *, replace: bool = False, found: Found | None = None
) -> Result:
    """Make the board on `port` this node. Raises Trouble, ConfigError, OSError; do it again to go on."""
    stage = shop.progress.stage
    if found is None:
        with stage("look", port=port):
            found = look(port)
    _check(shop, node, found, replace)
    entry = shop.registry.entry(node.id)
    same = entry.current is not None and entry.current.mac == found.mac
    if same and entry.reached("shelved"):
        asleep = found.why == "silent"
        if asleep or _complete(shop, node, found):
            return Result(node.id, "already", found.mac, asleep=asleep)
    replaced = entry.current is not None and not same
    if replaced:
        shop.credentials.renew(node.id)
    settings = _settings(shop, node)  # before anything is written: the site's files may lack something
    label.open_folder(shop.labels)
    if _lacks_micropython(found):
        flasher.image_for(found.chip, shop.images)
    shop.registry.begin(node.id, found.mac, found.chip, node.board)
    result = Result(node.id, "replaced" if replaced else "provisioned", found.mac)
    key = _key(shop, node)
    board = Board(port)
    result.flashed = bring_micropython(shop, found, node.id)
    with stage("firmware"):
        result.files_copied = copy_firmware(board, shop.firmware)
    with stage("settings"):
        handed = {"key.hex": key.hex().encode(), "settings.json": settings_bytes(settings)}
        board.copy(trust_of(shop.state, node) | handed)
    shop.registry.advance(node.id, "copied", settings=hand_out(shop.state, settings))
    with stage("selftest"):
        result.selftest = selftest(board)
    shop.registry.advance(node.id, "tested", firmware=str(result.selftest["firmware"]))
    with stage("label"):
        result.labels = _label(shop, node, found.mac)
    with stage("shelve"):
        board.script(_SHELVE % bool(shop.site.catalog.boards[node.board].button))
        board.reset()
    shop.registry.advance(node.id, "shelved")
    return result


def bring_micropython(shop: Workshop, found: Found, node: int | None) -> bool:
    """Bring the board to MicroPython's prompt; return whether it was flashed for that. Raises Trouble."""
    if found.probe is not None:
        return False
    flashes = _lacks_micropython(found)
    if flashes:
        image = flasher.image_for(found.chip, shop.images)
        with shop.progress.stage("flash", image=image.name):
            flasher.write(found.port, found.chip, image, shop.progress.part)
        shop.registry.note("flashed", node, found.mac)
    with shop.progress.stage("prompt"):
        prompt.reach(found.port, silent_s=FIRST_START_S if flashes else prompt.SILENT_S)
    return flashes


def _lacks_micropython(found: Found) -> bool:
    return found.why in ("blank", "download_mode", "no_prompt")


def selftest(board: Board) -> dict[str, Any]:
    """Return what the board finds out about itself. Raises Trouble where it fails; see `judge`."""
    found: dict[str, Any] = board.script(SELFTEST)
    judge(found, board.path)
    return found


def judge(found: Mapping[str, Any], port: str, *, strict: bool = False) -> None:
    """Raise Trouble where a self-test found a fault.

    On the bench sensors need not be connected; `strict`: every channel has to be well.
    """
    bad = [name for name, _, quality in found["channels"] if quality != OK] if strict else []
    if found["flash"] is not True:
        bad.append("flash")
    if found["radio"] is False:
        bad.append("radio")
    if bad:
        raise Trouble("selftest_failed", detail=str(found["errors"]), port=port, parts=", ".join(bad))


def copy_firmware(board: Board, firmware: Mapping[str, bytes]) -> int:
    """Bring the program to the board; return how many files it lacked. Raises Trouble."""
    wanted = {name: hashlib.sha256(content).hexdigest() for name, content in firmware.items()}
    there = board.digests(list(firmware))
    lacking = {name: firmware[name] for name in firmware if there.get(name) != wanted[name]}
    if not lacking:
        return 0
    board.script(_REMOVE % [MAIN, "slot"])  # what is installed here is what starts, not an older update
    board.script(_REMOVE_STRAYS % sorted(firmware))
    board.copy({name: content for name, content in lacking.items() if name != MAIN})
    board.copy({MAIN: firmware[MAIN]})
    if board.digests(list(firmware)) != wanted:
        raise Trouble("copy_failed", detail="digests differ", port=board.path)
    return len(lacking)


def update_keys(state: Path) -> list[str]:
    """Return the public keys that say whose updates are good."""
    return [file.read_text().strip() for file in sorted((state / KEYS).glob("*.pub"))]


def trust_of(state: Path, node: Node) -> dict[str, bytes]:
    """Return the file by which a node judges updates; none without KEYS/*.pub in `state`."""
    keys = update_keys(state)
    if not keys:
        return {}
    trust = {"board": node.board, "hardware": HARDWARE, "keys": keys[:KEYS_MAX]}
    return {"trust.json": json.dumps(trust).encode()}


def _check(shop: Workshop, node: Node, found: Found, replace: bool) -> None:
    wanted = shop.site.catalog.boards[node.board].chip
    if found.chip != wanted:
        raise Trouble("wrong_chip", port=found.port, found=found.chip, wanted=wanted)
    if found.is_bridge:
        raise Trouble("is_bridge", mac=found.mac, port=found.port)
    owner = shop.registry.node_of(found.mac)
    if owner is not None and owner != node.id:
        raise Trouble("taken", node=node.id, owner=owner, mac=found.mac)
    current = shop.registry.entry(node.id).current
    if current is not None and current.mac != found.mac and not replace:
        raise Trouble("has_other_board", node=node.id, mac=current.mac, new=found.mac)
    says = found.probe["node"] if found.probe else None
    mine = replace and says == node.id  # a board that was this node before
    if owner is None and says is not None and found.probe and found.probe["key"] and not mine:
        raise Trouble("other_node", says=says, node=node.id, mac=found.mac)


def _complete(shop: Workshop, node: Node, found: Found) -> bool:
    """Whether all is on the board that should be; not where it has no program that could tell."""
    if found.probe is None:
        return False
    settings = settings_bytes(_settings(shop, node))
    wanted = {**shop.firmware, **trust_of(shop.state, node), "settings.json": settings}
    there = Board(found.port).digests(list(wanted))
    return there == {name: hashlib.sha256(content).hexdigest() for name, content in wanted.items()}


def _settings(shop: Workshop, node: Node) -> Settings:
    return settings_for(shop.site, node, shop.network, shop.state, shop.credentials.password)


def _key(shop: Workshop, node: Node) -> bytes:
    """Return the node's key; drawn anew for a board that has none of this node's yet."""
    path = shop.state / "keys.json"
    with shop.registry.lock:  # keys of other nodes are added beside it
        keys = read_keys(path) if path.exists() else {}
        if not shop.registry.entry(node.id).reached("keyed") or node.id not in keys:
            keys[node.id] = secrets.token_bytes(KEY_SIZE)
            write_keys(path, keys)
            shop.registry.advance(node.id, "keyed")
        return keys[node.id]


def _label(shop: Workshop, node: Node, mac: str) -> list[Path]:
    if label.missing_packages():
        return []
    files = label.draw(label.label_of(shop.site, node, mac), shop.labels)
    shop.registry.advance(node.id, "labelled")
    return files
