"""Makes a board the gateway's USB LoRa bridge, in stages that can be taken up again wherever they broke off.

The board itself says what it is: it holds no key and no record, so all that is kept of it is a line in the
audit log.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device_configs.board import Board as BoardDescription
from device_configs.compile import bridge_settings, settings_bytes
from device_configs.model import Site
from tools.node import label
from tools.node.forget import WIPE
from tools.node.look import Found, look
from tools.node.provision import Workshop, bring_micropython, copy_firmware, selftest
from tools.node.registry import Registry
from tools.node.remote import Board
from tools.node.trouble import Trouble
from tools.node.words import Words

BRIDGE = "bridge"  # what it is called where a node has a number
SETTINGS = "settings.json"


@dataclass(slots=True)
class Made:
    """How it went: `did` is "already" or "provisioned"; `written` is its label's text."""

    did: str
    mac: str
    site: str
    files_copied: int = 0
    flashed: bool = False
    written: tuple[str, ...] = ()
    labels: list[Path] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as the command gives it."""
        return {
            "role": BRIDGE,
            "did": self.did,
            "mac": self.mac,
            "flashed": self.flashed,
            "files_copied": self.files_copied,
            "labels": [str(file) for file in self.labels],
        }

    def told(self, words: Words) -> list[str]:
        """Return what a technician reads."""
        already = self.did == "already"
        lines = [words("did.bridge_already" if already else "did.bridge", mac=self.mac, site=self.site)]
        if self.labels:
            lines.append(words("did.labels", files=", ".join(map(str, self.labels))))
        else:
            packages = ", ".join(label.missing_packages())
            lines.append(words("did.bridge_label", packages=packages, lines=" / ".join(self.written)))
        return [*lines, words("next.bridge")]


def provision_bridge(shop: Workshop, port: str) -> Made:
    """Make the board on `port` the site's bridge. Raises Trouble, OSError; do it again to go on."""
    stage = shop.progress.stage
    kind = _kind(shop.site)
    with stage("look", port=port):
        found = look(port)
    _check(shop, kind, found)
    label.open_folder(shop.labels)
    wanted = settings_bytes(bridge_settings(kind))
    words = shop.progress.words
    made = label.bridge_label(shop.site, kind.name, found.mac, words("label.bridge"))
    result = Made("provisioned", found.mac, shop.site.id, written=made.lines)
    board = Board(port)
    result.flashed = bring_micropython(shop, found, None)
    with stage("firmware"):
        result.files_copied = copy_firmware(board, shop.firmware)
    with stage("bridge"):
        same = board.digests([SETTINGS]) == {SETTINGS: hashlib.sha256(wanted).hexdigest()}
        if not same:
            board.copy({SETTINGS: wanted})
    if same and not result.files_copied:
        result.did = "already"
    else:
        shop.registry.note("made a bridge", None, found.mac)
    with stage("selftest"):  # whatever was there already: it may have failed the last time
        selftest(board)
    with stage("label"):
        result.labels = [] if label.missing_packages() else label.draw(made, shop.labels)
    board.reset()  # from the prompt to its work
    return result


def forget_bridge(registry: Registry, port: str) -> str:
    """Wipe the bridge on `port`, which is no bridge any more; return its MAC address. Raises Trouble."""
    found = look(port)
    if not found.is_bridge:
        raise Trouble("not_a_bridge", port=port, mac=found.mac)
    Board(port).script(WIPE)
    registry.note("bridge wiped", None, found.mac)
    return found.mac


def _kind(site: Site) -> BoardDescription:
    boards = site.catalog.boards
    if site.lora is None or site.lora.bridge is None:
        able = ", ".join(name for name, board in sorted(boards.items()) if board.sx1262)
        raise Trouble("no_bridge", site=site.id, boards=able)
    return boards[site.lora.bridge]


def _check(shop: Workshop, kind: BoardDescription, found: Found) -> None:
    if found.chip != kind.chip:
        raise Trouble("wrong_chip", port=found.port, found=found.chip, wanted=kind.chip)
    owner = shop.registry.node_of(found.mac)
    if owner is not None:
        raise Trouble("taken", node=["label.bridge"], owner=owner, mac=found.mac)
    if found.probe and found.probe["key"]:
        raise Trouble("other_node", says=found.probe["node"], node=BRIDGE, mac=found.mac)
