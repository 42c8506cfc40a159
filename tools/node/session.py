"""What every command of `sensornett node` has in common: options, language, trouble, the workshop."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from tools import completion
from tools.firmware_image import BuildError, compiled
from tools.node import label
from tools.node.bridge import BRIDGE
from tools.node.credentials import Credentials
from tools.node.handing_out import site_of
from tools.node.network import load_network
from tools.node.progress import Progress
from tools.node.provision import KEYS, Result, Workshop, update_keys
from tools.node.registry import Registry, there
from tools.node.trouble import FAILED, Trouble, of_disk
from tools.node.words import Words, language_of

SiteOption = Annotated[
    str,
    typer.Option(
        "--site",
        help="The site's folder, or the name of one that comes along.",
        autocompletion=completion.sites,
    ),
]
State = Annotated[Path, typer.Option(help="The gateway's state directory: keys, credentials, registry.")]
PortOption = Annotated[
    str | None,
    typer.Option(
        "--port", help="Serial port; left out where only one has a board.", autocompletion=completion.ports
    ),
]
PortFolder = Annotated[Path | None, typer.Option("--ports", help="Folder of ports, in the place of USB's.")]
Lang = Annotated[
    str | None,
    typer.Option("--lang", help="nb or en; left out: as LANG says.", autocompletion=completion.languages),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show what the programs behind this said.")]
Images = Annotated[Path, typer.Option(help="Folder with MicroPython's images (.bin).")]
Labels = Annotated[Path, typer.Option(help="Folder for the labels.")]
NodeId = Annotated[int, typer.Argument(help="Number of the node.")]
NodeOrBridge = Annotated[
    str, typer.Argument(metavar="NODE|bridge", help="Number of the node, or `bridge`: the gateway's on USB.")
]
IMAGES, LABELS = Path("micropython"), Path("labels")


@dataclass(slots=True)
class Session:
    """One command's ways to talk."""

    words: Words
    progress: Progress
    as_json: bool

    def end(self, text: str, **result: Any) -> None:
        """Say how it went, and give the result as JSON where that was asked for."""
        if text:
            self.progress.say(text)
        if self.as_json:
            typer.echo(json.dumps({"ok": True, **result}))


@contextlib.contextmanager
def session(lang: str | None, as_json: bool, verbose: bool) -> Iterator[Session]:
    """Trouble inside becomes its text and its exit status."""
    words = Words(language_of(lang))
    try:
        yield Session(words, Progress(words), as_json)
    except Trouble as trouble:
        raise _ended(trouble, words, as_json, verbose) from None
    except (ConnectionError, TimeoutError):  # the network's, which the command line tells of
        raise
    except OSError as error:
        raise _ended(of_disk(error), words, as_json, verbose) from None
    except KeyboardInterrupt:
        typer.echo(words("stopped"), err=True)
        raise
    except BuildError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None


def _ended(trouble: Trouble, words: Words, as_json: bool, verbose: bool) -> typer.Exit:
    """Tell of a trouble; return what ends the command with its status."""
    text = trouble.told(words)
    typer.echo(text, err=True)
    if verbose and trouble.detail:
        typer.echo(trouble.detail, err=True)
    if as_json:
        typer.echo(json.dumps({"ok": False, "trouble": trouble.key, "text": text}))
    return typer.Exit(trouble.status)


def site_at(name: str) -> tuple[Site, Path]:
    """Return a site and its folder. Raises Trouble where there is none, ConfigError."""
    folder = SITES / name if not Path(name).exists() and (SITES / name).is_dir() else Path(name)
    if not folder.is_dir():
        raise Trouble("no_site", site=name, known=", ".join(completion.sites("")))
    return load_site(folder), folder


def registry_of(site: Site, state: Path) -> Registry:
    """Return the registry of a site. Raises Trouble where there is none, or it is another site's."""
    registry, other = Registry(there(state)), site_of(state)
    if other not in (None, site.id):
        raise Trouble("other_site", state=state, other=other, site=site.id)
    return registry


def number_of(node: str) -> int | None:
    """Return the number somebody gave, None for the bridge. Raises typer.BadParameter."""
    if node == BRIDGE:
        return None
    try:
        return int(node)
    except ValueError:
        raise typer.BadParameter(f"`{node}` is neither the number of a node nor `{BRIDGE}`") from None


def numbers_of(nodes: str) -> list[int]:
    """Return the numbers in a list with commas. Raises typer.BadParameter."""
    try:
        return [int(node) for node in nodes.split(",")]
    except ValueError:
        raise typer.BadParameter(f"`{nodes}` is no list of nodes' numbers, as 11,21") from None


def node_of(site: Site, node: int) -> Node:
    """Return a node of a site. Raises Trouble."""
    try:
        return site.node(node)
    except KeyError:
        known = ", ".join(str(one.id) for one in site.nodes)
        raise Trouble("unknown_node", site=site.id, node=node, known=known) from None


def workshop(site: str, state: Path, images: Path, labels: Path, progress: Progress) -> Workshop:
    """Return everything provisioning works with. Raises Trouble, ConfigError, BuildError, OSError."""
    found, _ = site_at(site)
    registry = registry_of(found, state)
    credentials = Credentials(state, found.id)
    network = load_network(state)
    return Workshop(found, state, registry, credentials, network, compiled(), images, labels, progress)


def told(result: Result, words: Words) -> list[str]:
    did = "asleep" if result.asleep else result.did
    lines = [words(f"did.{did}", node=result.node, mac=result.mac)]
    if result.did != "already":
        if result.labels:
            lines.append(words("did.labels", files=", ".join(str(file) for file in result.labels)))
        elif missing := label.missing_packages():
            lines.append(words("did.no_labels", packages=", ".join(missing), node=result.node))
        lines += [words("next.reload"), words("next.mount")]
    return lines


def without_key(state: Path, words: Words) -> list[str]:
    """Return what is to be said where nodes are made without a key to judge updates by."""
    return [] if update_keys(state) else [words("did.no_update_key", folder=state / KEYS)]


def result_json(result: Result) -> dict[str, Any]:
    return {
        "node": result.node,
        "did": result.did,
        "mac": result.mac,
        "flashed": result.flashed,
        "files_copied": result.files_copied,
        "labels": [str(file) for file in result.labels],
    }
