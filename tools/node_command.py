"""`sensornett node`: boards on a cable, from the box to the mast. The work itself is in tools/node."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tools import completion
from tools.node import commission as commissioning
from tools.node import flasher, label, listing, plan, prompt, readout
from tools.node.bench import run_bench
from tools.node.bridge import provision_bridge
from tools.node.look import at_prompt
from tools.node.ports import pick, serial_ports
from tools.node.provision import SELFTEST, judge, provision
from tools.node.registry import Registry, alone, there
from tools.node.remote import Board
from tools.node.rotate import rotate as rotate_node
from tools.node.session import (
    IMAGES,
    LABELS,
    Images,
    Json,
    Labels,
    Lang,
    NodeId,
    NodeOrBridge,
    PortFolder,
    PortOption,
    SiteOption,
    State,
    Verbose,
    node_of,
    number_of,
    numbers_of,
    registry_of,
    result_json,
    session,
    site_at,
    told,
    without_key,
    workshop,
)
from tools.node.trouble import Trouble
from tools.node_archive import archive
from tools.node_forget import forget
from tools.node_settings import settings

app = typer.Typer(help="Flash, provision and commission nodes.", no_args_is_help=True)


@app.command("list")
def list_boards(
    state: Annotated[Path | None, typer.Option(help="The gateway's state directory.")] = None,
    ports: PortFolder = None,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Which ports have a board, which chip it is, and which node."""
    with session(lang, as_json, verbose) as s:
        registry = Registry(there(state)) if state else None
        rows = [listing.row_of(port, registry, s.progress) for port in serial_ports(ports)]
        for row in rows:
            s.progress.say(f"{row['port']}  {listing.told(row, s.words)}")
        s.end(s.words("list.none") if not rows else "", boards=rows)


@app.command("plan")
def plan_site(site: SiteOption, lang: Lang = None, as_json: Json = False, verbose: Verbose = False) -> None:
    """What to buy, to order and to label for a site."""
    with session(lang, as_json, verbose) as s:
        found = plan.plan_of(site_at(site)[0])
        s.end("\n".join(plan.lines(found, s.words)), **found)


@app.command()
def flash(
    chip: Annotated[
        str,
        typer.Argument(help="The chip it has to be: esp32 or esp32s3.", autocompletion=completion.chips),
    ],
    port: PortOption = None,
    images: Images = IMAGES,
    image: Annotated[Path | None, typer.Option(help="This image, not the newest in the folder.")] = None,
    erase_files: Annotated[
        Path | None, typer.Option(help="Replace the file system by this image: identity and records go.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="State directory that notes who did it.")] = None,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Put MicroPython on a board. Another chip is refused; its files stay, unless told otherwise."""
    with session(lang, as_json, verbose) as s:
        if chip not in flasher.IMAGE_CHIP:
            raise typer.BadParameter("one of: " + ", ".join(flasher.IMAGE_CHIP))
        registry = Registry(there(state)) if state else None
        path = pick(port, serial_ports())
        chosen = flasher.check_image(image, chip) if image else flasher.image_for(chip, images)
        with s.progress.stage("look", port=path):
            is_chip = flasher.identify(path)
        if is_chip.name != chip:
            raise Trouble("wrong_chip", port=path, found=is_chip.name, wanted=chip)
        with s.progress.stage("flash", image=chosen.name):
            digest = flasher.write(path, chip, chosen, s.progress.part)
        if erase_files:
            with s.progress.stage("erase"):
                flasher.erase_files(path, chip, erase_files, s.progress.part)
        if registry is not None:
            registry.note("flashed", registry.node_of(is_chip.mac), is_chip.mac)
        s.end(s.words("did.flashed", chip=chip, mac=is_chip.mac), chip=chip, mac=is_chip.mac, sha256=digest)


@app.command("provision")
def provision_node(
    node: NodeOrBridge,
    site: SiteOption,
    state: State,
    port: PortOption = None,
    images: Images = IMAGES,
    labels: Labels = LABELS,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a board a node: program, key, settings, self-test, label, shelf. Give it again to go on.

    With `bridge` for the number it becomes the gateway's USB LoRa bridge, which has no key and no shelf.
    """
    number = number_of(node)
    if number is not None:
        _provision(number, site, state, port, images, labels, lang, as_json, verbose, replace=False)
        return
    with session(lang, as_json, verbose) as s, alone(state):
        made = provision_bridge(workshop(site, state, images, labels, s.progress), pick(port, serial_ports()))
        s.end("\n".join(made.told(s.words)), **made.as_json())


@app.command()
def replace(
    node: NodeId,
    site: SiteOption,
    state: State,
    port: PortOption = None,
    images: Images = IMAGES,
    labels: Labels = LABELS,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """New hardware for a node that is there already: its number and history go on, the key is a new one."""
    _provision(node, site, state, port, images, labels, lang, as_json, verbose, replace=True)


def _provision(
    node: int,
    site: str,
    state: Path,
    port: str | None,
    images: Path,
    labels: Path,
    lang: str | None,
    as_json: bool,
    verbose: bool,
    *,
    replace: bool,
) -> None:
    with session(lang, as_json, verbose) as s, alone(state):
        shop = workshop(site, state, images, labels, s.progress)
        path = pick(port, serial_ports())
        result = provision(shop, node_of(shop.site, node), path, replace=replace)
        lines = [*told(result, s.words), *without_key(state, s.words)]
        s.end("\n".join(lines), **result_json(result))


@app.command()
def bench(
    site: SiteOption,
    state: State,
    nodes: Annotated[str, typer.Option(help="Numbers, with commas; left out: all nodes of the site.")] = "",
    ports: PortFolder = None,
    images: Images = IMAGES,
    labels: Labels = LABELS,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """The bench stage for a whole list, on every board that is connected. Give it again to go on."""
    with session(lang, as_json, verbose) as s, alone(state):
        shop = workshop(site, state, images, labels, s.progress)
        wanted = [node_of(shop.site, n) for n in numbers_of(nodes)] if nodes else list(shop.site.nodes)
        done = run_bench(shop, wanted, [port.path for port in serial_ports(ports)])
        for result in done.results.values():
            s.progress.say("\n".join(told(result, s.words)))
        for path, trouble in done.troubles.items():
            s.progress.say(s.words("bench.trouble", port=path, text=trouble.told(s.words)))
            if verbose and trouble.detail:
                s.progress.say(trouble.detail)
        ready = len(wanted) - len(done.left)
        s.progress.say(s.words("bench.summary", ready=ready, wanted=len(wanted)))
        for line in without_key(state, s.words) if done.results else []:
            s.progress.say(line)
        if done.left:
            s.progress.say(s.words("bench.left", nodes=", ".join(map(str, done.left))))
        troubles = {path: trouble.key for path, trouble in done.troubles.items()}
        if as_json:
            results = [result_json(result) for result in done.results.values()]
            typer.echo(
                json.dumps({"ok": not troubles, "nodes": results, "troubles": troubles, "left": done.left})
            )
        if done.troubles:
            raise typer.Exit(next(iter(done.troubles.values())).status)


@app.command()
def console(port: PortOption = None, lang: Lang = None, verbose: Verbose = False) -> None:
    """The board's own prompt; Ctrl-] leaves it."""
    with session(lang, False, verbose) as s:
        if not sys.stdin.isatty():
            raise Trouble("no_terminal")
        path = pick(port, serial_ports())
        prompt.reach(path)
        try:
            Board(path).console()
        finally:
            s.progress.say("")  # ends the line of the prompt
        s.progress.say(s.words("next.prompt"))


@app.command("selftest")
def selftest_board(
    port: PortOption = None,
    bench_only: Annotated[bool, typer.Option("--bench", help="Sensors need not be connected.")] = False,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have the node on a cable read each of its sensors once, and say what is wrong."""
    with session(lang, as_json, verbose) as s:
        path = pick(port, serial_ports())
        with s.progress.stage("look", port=path):
            prompt.reach(path)
        with s.progress.stage("selftest"):
            found = Board(path).script(SELFTEST)
        for line in readout.lines(found, s.words):
            s.progress.say(line)
        s.progress.say(s.words("next.prompt"))
        judge(found, path, strict=not bench_only)
        s.end(s.words("did.healthy"), **found)


@app.command("label")
def label_node(
    node: NodeId,
    site: SiteOption,
    state: State,
    labels: Labels = LABELS,
    text: Annotated[bool, typer.Option("--text", help="Only say what goes on it.")] = False,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Draw a node's label (PNG and PDF): number, name, place, and a QR code with its claim; never a key."""
    with session(lang, as_json, verbose) as s:
        found, _ = site_at(site)
        hardware = registry_of(found, state).entry(node_of(found, node).id).current
        if hardware is None:
            raise Trouble("not_provisioned", node=node)
        made = label.label_of(found, node_of(found, node), hardware.mac)
        if text:
            s.end("\n".join([*made.lines, made.claim]), claim=made.claim, lines=made.lines)
            return
        files = [str(file) for file in label.draw(made, labels)]
        s.end(s.words("did.labels", files=", ".join(files)), claim=made.claim, files=files)


@app.command()
def commission(
    site: SiteOption,
    state: State,
    node: Annotated[
        int | None, typer.Argument(help="Number of the node; left out: every one that was heard.")
    ] = None,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Put nodes into service: heard by the gateway, and height, zero and photo on their site sheets."""
    with session(lang, as_json, verbose) as s, alone(state):
        found, folder = site_at(site)
        registry = registry_of(found, state)
        wanted = [node_of(found, node)] if node is not None else list(found.nodes)
        done, troubles = commissioning.commission(registry, found, folder, state, wanted)
        for id_ in done:
            s.progress.say(s.words("did.commissioned", node=id_))
        if node is not None and troubles:
            raise troubles[0]
        if node is not None and not done:
            s.progress.say(s.words("did.commissioned_before", node=node))
        for trouble in troubles:
            s.progress.say(trouble.told(s.words))
        s.end("", commissioned=done, not_yet=[trouble.key for trouble in troubles])


app.command("settings")(settings)


@app.command()
def rotate(
    node: NodeId,
    site: SiteOption,
    state: State,
    port: PortOption = None,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """A new key and password for a node at hand: the old ones are worthless at once, its records stay."""
    with session(lang, as_json, verbose) as s, alone(state):
        shop = workshop(site, state, IMAGES, LABELS, s.progress)
        path = pick(port, serial_ports())
        with s.progress.stage("look", port=path):
            found = at_prompt(path)
        rotate_node(shop, node_of(shop.site, node), found)
        lines = [s.words("did.rotated", node=node), s.words("next.reload")]
        s.end("\n".join(lines), node=node, mac=found.mac)


app.command("forget")(forget)
app.command("archive")(archive)
