"""Putting a backup back: on the same machine or on another one, where a gateway is installed.

The store gets a new id. With it go new keys for the downlinks, so that no nonce is used a second time, and
sync sends everything once more, which changes nothing that is there. Nodes keep what they sent and are told
what the restored store has, so they send the rest again.

What this machine knows itself and the backup does not (newer keys and passwords, nodes forgotten) stays.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw

from device_configs.keys import read_keys, write_keys
from device_configs.loader import load_site
from device_configs.problem import ConfigError
from gateway.app import locked
from gateway.claim import StartError
from gateway.store import STORE_NAME, StoreError
from gateway.store.files import database_files
from gateway.store.opening import open_database, renew
from tools.installation import site_folder
from tools.installation.backup import unpack
from tools.installation.places import InstallError, Places
from tools.node.registry import Registry, replace
from tools.node.trouble import Trouble


def restore(
    places: Places,
    file: Path,
    *,
    settings: bool,
    say: Callable[[str], None],
    now: datetime | None = None,
    identity: Path | None = None,
) -> dict[str, Any]:
    """Put the backup in `file` in place of what is there, which is set aside; return its manifest.

    `settings`: also the site, the CA and the secrets. `identity`: the private key of an encrypted backup.
    The services have to be stopped.
    Raises InstallError before anything is changed where the backup is not whole or a gateway runs.
    """
    if not places.data.is_dir():
        raise InstallError(f"{places.data}: there is no gateway here. Install it first: ./run install")
    try:
        with locked(places.data), tempfile.TemporaryDirectory(prefix=".restore-", dir=places.data) as name:
            folder = Path(name)
            manifest = unpack(file, folder, identity)
            _check(folder, file)
            moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S")
            aside = places.data / f"before-restore-{moment}"
            _newer_of_both(places, folder, say)
            _replace(folder / "data", places.data, aside)
            if settings:
                _restore_settings(places, folder / "settings", aside / "settings")
            os.sync()
    except StartError as error:
        raise InstallError(str(error)) from error
    say(f"What was here before is in {aside}.")
    return manifest


def _check(folder: Path, file: Path) -> None:
    """Open the store of the backup as a gateway would, give it its new id, and read the site."""
    store = folder / "data" / STORE_NAME
    if not store.exists():
        raise InstallError(f"{file}: there is no store in it")
    try:
        opened = open_database(store, lambda: 0)
    except StoreError as error:
        raise InstallError(f"{file}: {error}") from error
    try:
        if opened.salvaged is not None:
            raise InstallError(f"{file}: the store in it is damaged; take another backup")
        renew(opened.db)
        opened.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except apsw.Error as error:
        raise InstallError(f"{file}: {error}") from error
    finally:
        opened.db.close()
    for site in sorted((folder / "settings" / "sites").glob("*")):
        try:
            load_site(site)
        except ConfigError as error:
            raise InstallError(f"{file}: the site in it is not valid for this version: {error}") from error


def _newer_of_both(places: Places, folder: Path, say: Callable[[str], None]) -> None:
    """Into the backup goes what this machine knows: keys and passwords given since, and nodes forgotten.

    The registry and the audit log are never taken back to an older state.
    """
    theirs, ours = folder / "data", places.data
    for name in ("nodes.json", "audit.jsonl", "network.yaml"):
        if (ours / name).exists():
            (theirs / name).unlink(missing_ok=True)
    try:
        forgotten = {n for n, entry in Registry(ours).nodes.items() if entry.stage == "forgotten"}
        keys = {**_keys(theirs), **_keys(ours)}
        users = {**_users(theirs), **_users(ours)}
    except (ConfigError, Trouble, ValueError, KeyError, TypeError) as error:
        say(f"What {ours} holds cannot be read ({error}); keys and passwords are those of the backup.")
        return
    (theirs / "keys.json").unlink(missing_ok=True)
    write_keys(theirs / "keys.json", {node: key for node, key in keys.items() if node not in forgotten})
    kept = {user: word for user, word in users.items() if user not in {f"n{node}" for node in forgotten}}
    (theirs / "broker.json").unlink(missing_ok=True)
    replace(theirs / "broker.json", json.dumps({"users": kept}, indent=1) + "\n", 0o600)
    shutil.rmtree(theirs / "broker", ignore_errors=True)  # written anew from it


def _keys(data: Path) -> dict[int, bytes]:
    return read_keys(data / "keys.json") if (data / "keys.json").exists() else {}


def _users(data: Path) -> dict[str, str]:
    file = data / "broker.json"
    return dict(json.loads(file.read_text())["users"]) if file.exists() else {}


def _restore_settings(places: Places, source: Path, aside: Path) -> None:
    """Site, CA and secrets. gateway.yaml stays this machine's: it names this machine's disks and ports."""
    for site in sorted((source / "sites").glob("*")):
        if places.sites.exists():
            shutil.copytree(places.sites, aside / "sites")
        site_folder.take(places, site, site.name)
        site_folder.keep(places)
    for name in ("authority", "secrets"):
        _replace(source / name, places.settings / name, aside / name)


def _replace(source: Path, target: Path, aside: Path) -> None:
    """Move every file of `source` to its place in `target`; what was there goes to `aside`."""
    for path in sorted(source.rglob("*")):
        if not path.is_file():
            continue
        relative = path.relative_to(source)
        there = target / relative
        there.parent.mkdir(parents=True, exist_ok=True)
        # A write-ahead log left behind would be taken for the new database's.
        for old in database_files(there):
            if old.exists():
                kept = aside / old.relative_to(target)
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                old.rename(kept)
        shutil.move(path, there)
