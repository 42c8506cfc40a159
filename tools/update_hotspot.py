"""`sensornett update hotspot`: programs for LoRa nodes, at the technician's own hotspot."""

import asyncio
import json
import secrets
import signal
import time
from collections.abc import Callable
from typing import Annotated

import typer

from gateway import audit
from gateway.store import STORE_NAME
from tools.node.network import FILE, load_network
from tools.node.progress import Progress
from tools.node.session import Json, Lang, SiteOption, State, registry_of, session, site_at
from tools.servers import ServerError
from tools.update.hotspot import Desk, Visit, taken_port
from tools.update.said import in_words
from tools.update_offer import CONFIGURATION, FAILED, NETWORK, Signed, fail, fitting, offer_of, versions


def hotspot(
    manifest: Signed,
    site: SiteOption,
    state: State,
    nodes: Annotated[str, typer.Option(help="Numbers, with commas; left out: all whose board fits.")] = "",
    minutes: Annotated[float, typer.Option(help="End after this; Ctrl-C ends it too.", min=0)] = 120,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Give LoRa nodes a program at this machine's own hotspot: one press of the button for each."""
    with session(lang, as_json, False) as s:
        words = s.words
        found, _ = site_at(site)
        registry_of(found, state)  # or a misspelt folder would be told that it lacks a hotspot
        network = load_network(state)
        spot = network.hotspot if network else None
        if spot is None:
            fail(words("hotspot.none", file=state / FILE, password=secrets.token_urlsafe(12)), CONFIGURATION)
        offer = offer_of(manifest, state, words)
        wanted = fitting(found, state, offer.read, "lora", nodes, words)
        port = spot.port
        if taken_port(port):
            fail(words("hotspot.port", port=port), NETWORK)
        desk = Desk(
            found.id,
            wanted,
            offer.read,
            offer.signed,
            offer.content,
            port,
            (lambda: versions(state)) if (state / STORE_NAME).exists() else None,
        )
        audit.note(
            state, time.time(), audit.who(), "update offered", version=offer.read.version, nodes=wanted
        )
        progress = Progress(words)

        def ready() -> None:
            told = {"ssid": spot.ssid, "file": state / FILE, "version": offer.read.version}
            progress.say(words("hotspot.ready", **told, nodes=", ".join(map(str, wanted))))
            progress.say(words("hotspot.press"))

        def told(node: int, visit: Visit) -> None:
            text = words(
                f"hotspot.{visit.stage}",
                node=node,
                share=f"{visit.share:.0%}",
                said=in_words(visit.said, words),
            )
            progress.draw("" if visit.stage != "taking" else text)
            if visit.stage != "taking":
                progress.say(text)

        try:
            asyncio.run(_until_told(desk, told, minutes, ready))
        except ServerError as error:
            fail(str(error), FAILED)
        came = {node: visit.stage for node, visit in desk.visits.items() if visit.stage != "waiting"}
        short = [node for node in desk.missing if nodes or node in came]
        ok = bool(came) and not short
        if not ok:
            left = ", ".join(map(str, short or wanted))
            progress.say(words("hotspot.left", nodes=left))
        if as_json:
            stages = {str(node): visit.stage for node, visit in desk.visits.items()}
            typer.echo(json.dumps({"ok": ok, "version": offer.read.version, "nodes": stages}))
        if not ok:
            raise typer.Exit(FAILED)


async def _until_told(
    desk: Desk, told: Callable[[int, Visit], None], minutes: float, ready: Callable[[], None]
) -> None:
    """Serve until every node has it, the minutes are over, or somebody has had enough (Ctrl-C)."""
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, until.set)
    loop.call_later(minutes * 60, until.set)
    await desk.serve(told, until, ready)
