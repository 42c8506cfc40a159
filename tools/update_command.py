"""`sensornett update`: new programs for nodes in the field. The work itself is in tools/update."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from aiomqtt import MqttError

from device_configs.catalog import builtin_catalog
from device_configs.compile import config_hash
from gateway import audit
from gateway.claim import StartError
from gateway.start import broker_at
from tools.firmware_image import BuildError
from tools.node.flasher import IMAGE_CHIP
from tools.node.handing_out import handed_out
from tools.node.session import Json, Lang, SiteOption, State, registry_of, session, site_at
from tools.node.words import Words
from tools.update import bundle, signing
from tools.update.carry import REFUSED, Offers, Stopped, Wave, waves_of
from tools.update.said import in_words
from tools.update_hotspot import hotspot
from tools.update_offer import (
    CONFIGURATION,
    FAILED,
    NETWORK,
    USAGE,
    Signed,
    fail,
    fitting,
    offer_of,
    statuses,
    versions,
)

app = typer.Typer(help="Build, sign and roll out new programs for nodes.", no_args_is_help=True)
app.command("hotspot")(hotspot)

Key = Annotated[Path, typer.Option("--key", help="File of the private key (PEM).")]
PasswordFile = Annotated[Path | None, typer.Option(help="File with the private key's password.")]
BrokerOption = Annotated[str, typer.Option("--broker", help="MQTT broker, as host:port.")]
Secret = Annotated[
    Path | None, typer.Option("--broker-password-file", help="Password of the user `gateway`.")
]
Ca = Annotated[Path | None, typer.Option("--broker-ca", help="Certificates to verify the broker with (PEM).")]


@app.command()
def key(
    path: Annotated[Path, typer.Argument(help="File to make.")],
    password_file: PasswordFile = None,
    lang: Lang = None,
) -> None:
    """Make a key to sign updates with. Keep it, and a copy, on media that meet no network."""
    with session(lang, False, False) as s:
        words, public_file = s.words, path.with_suffix(".pub")
        try:
            if public_file.exists():  # of the key that is kept elsewhere: nodes know it
                raise FileExistsError
            public = signing.new_key(path, _password(password_file))
        except FileExistsError:
            there = path if path.exists() else public_file
            fail(words("update.key_there", file=there), FAILED)
        public_file.write_text(public + "\n")
        typer.echo(words("update.key_made", file=path, public=public_file), err=True)


@app.command()
def build(
    number: Annotated[int, typer.Option(help="Rises with every release; nodes never go back.", min=1)],
    version: Annotated[str, typer.Option(help="What people call it: 0.2.0")],
    board: Annotated[list[str], typer.Option(help="Boards it is for; may be given again.")],
    out: Annotated[Path, typer.Option(help="Folder for bundle and manifest.")] = Path("update"),
    hardware: Annotated[int, typer.Option(help="Lowest revision of the hardware.")] = 1,
    days: Annotated[int, typer.Option(help="Days until it expires.", min=1)] = 180,
    full: Annotated[
        Path | None,
        typer.Option(help="This firmware image (micropython.bin), for boards with two partitions."),
    ] = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Build this version's program for nodes: a bundle, and a manifest to be signed."""
    with session(lang, as_json, False) as s:
        words = s.words
        if not bundle.VERSION.fullmatch(version):
            fail(words("update.no_such_version", version=version), USAGE)
        for name in board:
            if name not in (known := builtin_catalog().boards):
                fail(words("update.no_board", board=name, known=", ".join(known)), CONFIGURATION)
        try:
            made = _image(full, board, words) if full else bundle.bundle_of(bundle.program(number, version))
        except BuildError as error:
            fail(str(error), FAILED)
        _check_version(made, number, version, full or out, words)
        expires = int(time.time()) + days * 86_400
        manifest = bundle.manifest_for(made, number, version, board, hardware, expires, full=full is not None)
        out.mkdir(parents=True, exist_ok=True)
        files = {"bundle": out / f"{number}.bundle", "manifest": out / f"{number}.manifest"}
        files["bundle"].write_bytes(made)
        files["manifest"].write_bytes(manifest.message())
        told = {"bundle": files["bundle"], "manifest": files["manifest"], "size": len(made)}
        typer.echo(words("update.built", **told), err=True)
        if as_json:
            facts = {"number": number, "version": version, "size": len(made), "sha256": manifest.sha256}
            typer.echo(json.dumps({**facts, **{name: str(file) for name, file in files.items()}}))


@app.command()
def sign(
    manifest: Annotated[Path, typer.Argument(help="The manifest that `build` made.")],
    key: Key,
    password_file: PasswordFile = None,
    lang: Lang = None,
) -> None:
    """Sign a manifest; done on the machine that has the key, and no network."""
    with session(lang, False, False) as s:
        try:
            raw = manifest.read_bytes()
            found, _ = bundle.read_manifest(raw)
            signature = signing.sign(found.message(), signing.read_key(key, _password(password_file)))
        except ValueError as error:
            fail(f"{manifest}: {error}", CONFIGURATION)
        except signing.KeyTrouble as error:
            fail(str(error), CONFIGURATION)
        signed = manifest.with_suffix(".signed")
        signed.write_bytes(found.message() + signature)
        told = {
            "file": signed,
            "version": found.version,
            "number": found.number,
            "boards": ", ".join(found.boards),
        }
        typer.echo(s.words("update.signed", **told), err=True)


@app.command()
def push(
    manifest: Signed,
    site: SiteOption,
    state: State,
    broker: BrokerOption = "127.0.0.1:1883",
    password: Secret = None,
    ca: Ca = None,
    nodes: Annotated[str, typer.Option(help="Numbers, with commas; left out: all whose board fits.")] = "",
    first: Annotated[str, typer.Option(help="Sizes of the first waves, with commas.")] = "1,5",
    patience_min: Annotated[
        float, typer.Option(help="Minutes a wave may take; nodes look every hour.")
    ] = 180,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Offer an update to nodes, wave by wave; where a wave falls silent or refuses, no other one begins."""
    with session(lang, as_json, False) as s:
        words = s.words
        found, _ = site_at(site)
        offer = offer_of(manifest, state, words)
        read = offer.read
        wanted = fitting(found, state, read, "mqtt", nodes, words)
        try:
            waves = waves_of(wanted, [int(n) for n in first.split(",")])
        except ValueError:
            fail(words("update.no_sizes", sizes=first), USAGE)
        audit.note(state, time.time(), audit.who(), "update offered", version=read.version, nodes=wanted)

        async def roll_out() -> None:
            async with Offers(found.id, broker_at(broker, "gateway", password, ca)) as offers:
                await offers.put(offer.content, read.sha256)
                await offers.roll_out(
                    waves,
                    offer.signed,
                    read.version,
                    lambda: versions(state),
                    patience_min * 60,
                    _teller(waves, words),
                )

        try:
            asyncio.run(roll_out())
        except StartError as error:
            fail(str(error), CONFIGURATION)
        except MqttError as error:
            fail(words("update.no_broker", broker=broker, why=error), NETWORK)
        except Stopped as stopped:
            _tell_stopped(stopped.wave, words, as_json)
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            begun = [wave for wave in waves if wave.begun]
            if begun:
                _tell_stopped(begun[-1], words, as_json)
            raise
        done = [node for wave in waves for node in wave.done]
        typer.echo(words("update.done", version=read.version, nodes=", ".join(map(str, done))), err=True)
        if as_json:
            typer.echo(json.dumps({"ok": True, "version": read.version, "nodes": done}))


@app.command()
def status(
    site: SiteOption,
    state: State,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Which program each node runs, by its last status, and whether its settings are those of the site."""
    with session(lang, as_json, False) as s:
        found, _ = site_at(site)
        registry_of(found, state)
        said = statuses(state)
        rows = []
        for node in found.nodes:
            heard, given = said.get(node.id, {}), handed_out(state, node.id)
            wanted = config_hash(given).hex() if given else None
            row = {"node": node.id, "version": heard.get("firmware"), "settings": heard.get("config")}
            differ = wanted is not None and wanted != row["settings"]
            text = "update.row_silent" if not heard else "update.row_waiting" if differ else "update.row"
            shown = {name: value or "-" for name, value in row.items()}
            typer.echo(s.words(text, **shown, wanted=wanted), err=True)
            rows.append(row | {"wanted": wanted})
        if as_json:
            typer.echo(json.dumps({"ok": True, "nodes": rows}))


def _teller(waves: list[Wave], words: Words) -> Callable[[Wave], None]:
    """Return what tells on a terminal, and only there, how far a wave is."""
    last = ""

    def tell(wave: Wave) -> None:
        nonlocal last
        numbers = {"number": waves.index(wave) + 1, "count": len(waves)}
        text = words("update.wave", **numbers, done=len(wave.done), nodes=len(wave.nodes))
        if text != last and sys.stderr.isatty():
            typer.echo(text, err=True)
        last = text

    return tell


def _tell_stopped(wave: Wave, words: Words, as_json: bool) -> None:
    for node, said in wave.refused.items():
        why = in_words(said.removeprefix(REFUSED).strip(), words)
        typer.echo(words("update.refused", node=node, said=why), err=True)
    if wave.waiting:
        typer.echo(words("update.silent", nodes=", ".join(map(str, wave.waiting))), err=True)
    typer.echo(words("update.stopped"), err=True)
    if as_json:
        refused = {str(node): said for node, said in wave.refused.items()}
        told = {"ok": False, "done": wave.done, "silent": wave.waiting, "refused": refused}
        typer.echo(json.dumps(told))


def _image(file: Path, boards: list[str], words: Words) -> bytes:
    """Return a full firmware image, fit for every one of these boards; fails with the reason."""
    known, image = builtin_catalog().boards, file.read_bytes()
    for name in boards:
        match bundle.check_image(image, IMAGE_CHIP[known[name].chip]):
            case "not_app":
                fail(words("update.not_app", file=file), CONFIGURATION)
            case "other_chip":
                told = {"file": file, "board": name, "chip": known[name].chip}
                fail(words("update.other_chip", **told), CONFIGURATION)
    return image


def _check_version(made: bytes, number: int, version: str, source: Path, words: Words) -> None:
    """Fail where the program says of itself another version than the manifest is to say."""
    match bundle.version_in(made):
        case None:
            fail(words("update.no_version", file=source), CONFIGURATION)
        case found if found != (version, number):
            told = {"file": source, "found": found[0], "found_number": found[1]}
            fail(words("update.other_version", **told, version=version, number=number), CONFIGURATION)


def _password(file: Path | None) -> bytes | None:
    return file.read_bytes().strip() if file else None
