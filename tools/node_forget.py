"""`sensornett node forget`: a node out of service for good, or a board that is none any more."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from tools.node.bridge import BRIDGE, forget_bridge
from tools.node.credentials import Credentials
from tools.node.forget import WIPE, is_board_alone, is_known
from tools.node.forget import forget as forget_node
from tools.node.look import at_prompt
from tools.node.ports import pick, serial_ports
from tools.node.registry import Registry, alone
from tools.node.remote import Board
from tools.node.session import (
    Json,
    Lang,
    NodeOrBridge,
    Session,
    SiteOption,
    State,
    Verbose,
    node_of,
    number_of,
    registry_of,
    session,
    site_at,
)


def forget(
    node: NodeOrBridge,
    site: SiteOption,
    state: State,
    port: Annotated[str | None, typer.Option("--port", help="Wipe the board on this port too.")] = None,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take a node out of service for good: its key and its access go; with --port the board is wiped.

    A board that is not this node any more, or another site's, is only wiped. `bridge` for the number wipes
    the bridge on --port.
    """
    number = number_of(node)
    with session(lang, as_json, verbose) as s, alone(state):
        if number is None:
            path = pick(port, serial_ports())
            with s.progress.stage("wipe"):
                mac = forget_bridge(Registry(state), path)
            s.end(s.words("did.bridge_wiped", mac=mac), role=BRIDGE, mac=mac, wiped=True)
        else:
            _forget(s, number, site, state, port)


def _forget(s: Session, number: int, site: str, state: Path, port: str | None) -> None:
    found, _ = site_at(site)
    registry, credentials = registry_of(found, state), Credentials(state, found.id)
    if port:
        with s.progress.stage("look", port=port):
            here = at_prompt(port)
        elsewhere = is_board_alone(registry, number, here)
        if elsewhere or not is_known(registry, credentials, state, number):
            with s.progress.stage("wipe"):
                Board(port).script(WIPE)
            registry.note("board wiped", None, here.mac)
            current = registry.entry(number).current
            told = {"mac": here.mac, "other": current.mac if current else ""}
            text = s.words("did.board_wiped" if elsewhere else "did.wiped", node=number, **told)
            s.end(text, node=number, wiped=True)
            return
    elif not is_known(registry, credentials, state, number):
        node_of(found, number)
        s.end(s.words("did.forgotten_before", node=number), node=number, wiped=False)
        return
    with s.progress.stage("wipe") if port else nullcontext():
        wiped = forget_node(registry, credentials, state, number, Board(port) if port else None)
    lines = [
        s.words("did.forgotten", node=number),
        s.words("did.wiped" if wiped else "did.not_wiped", node=number),
    ]
    s.end("\n".join([*lines, s.words("next.reload")]), node=number, wiped=wiped)
