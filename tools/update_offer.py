"""What `sensornett update` offers, and to whom: refused here where the nodes would refuse it anyway."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from device_configs.model import Site
from gateway.store import STORE_NAME, Reader, StoreError
from tools.node.provision import KEYS, update_keys
from tools.node.session import registry_of
from tools.node.words import Words
from tools.update import bundle, signing

FAILED, USAGE, CONFIGURATION, UNVERIFIED, NETWORK = 1, 2, 3, 5, 6

Signed = Annotated[Path, typer.Argument(help="The signed manifest, beside its bundle.")]


@dataclass(frozen=True, slots=True)
class Offer:
    """A signed manifest and what it is about."""

    read: bundle.Manifest
    signed: bytes
    content: bytes


def offer_of(manifest: Path, state: Path, words: Words) -> Offer:
    """Return what is to be offered; fails with the reason where nodes would refuse it anyway."""
    read, signature = manifest_at(manifest)
    if not signature:
        fail(words("update.unsigned", file=manifest), UNVERIFIED)
    keys = update_keys(state)
    if keys and not signing.signed_by(read.message(), signature, keys):
        fail(words("update.other_key", file=manifest, folder=state / KEYS), UNVERIFIED)
    if read.expires <= time.time():
        fail(words("update.expired", file=manifest), UNVERIFIED)
    content = manifest.with_suffix(".bundle").read_bytes()
    if bundle.manifest_for(content, 0, "", (), 0, 0).sha256 != read.sha256:
        fail(words("update.other_bundle", file=manifest.with_suffix(".bundle")), UNVERIFIED)
    return Offer(read, manifest.read_bytes(), content)


def fitting(
    site: Site, state: Path, read: bundle.Manifest, carrier: str, asked: str, words: Words
) -> list[int]:
    """Return the nodes to offer it to: those `asked` for, or all that can take it.

    Ends the program where one can not.
    """
    registry = registry_of(site, state)
    fitting = [
        node.id
        for node in site.nodes
        if node.board in read.boards and node.carrier == carrier and registry.entry(node.id).current
    ]
    told = {"boards": ", ".join(read.boards), "way": words(f"update.way_{carrier}")}
    try:
        wanted = [int(n) for n in asked.split(",")] if asked else fitting
    except ValueError:
        fail(words("update.no_numbers", nodes=asked), USAGE)
    if unfit := [node for node in wanted if node not in fitting]:
        fail(words("update.unfit", nodes=", ".join(map(str, unfit)), **told), CONFIGURATION)
    if not wanted:
        fail(words("update.nobody", **told), CONFIGURATION)
    return wanted


def versions(state: Path) -> Mapping[int, str]:
    return {node: str(said.get("firmware")) for node, said in statuses(state).items()}


def statuses(state: Path) -> dict[int, dict[str, Any]]:
    try:
        with Reader.open(state / STORE_NAME) as reader:
            return {known.node: dict(json.loads(known.status or "{}")) for known in reader.nodes()}
    except StoreError as error:
        fail(str(error), FAILED)


def manifest_at(path: Path) -> tuple[bundle.Manifest, bytes]:
    try:
        return bundle.read_manifest(path.read_bytes())
    except ValueError as error:
        fail(f"{path}: {error}", CONFIGURATION)


def fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)
