"""A backup: one file with the databases, keys and settings of a gateway, made while it runs.

A tar archive, compressed with gzip; its first member, manifest.json, names every other one with its SHA-256.
It holds every key and password of the network, so it is readable by its owner alone, and encrypted where
gateway.yaml names public keys.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from gateway.store import STORE_NAME, Reader
from tools.installation.databases import copy_database
from tools.installation.encryption import decrypting, encrypting
from tools.installation.places import InstallError, Places
from tools.installation.switching import COPY, NOT_TAKEN

FORMAT = 1
MANIFEST = "manifest.json"
# Of the data: what is not rebuilt by itself. Sockets, locks and logs are left out.
_DATA = ("*.json", "*.jsonl", "*.yaml", "*.pem", "broker/*")
_SETTINGS = ("gateway.yaml", "sites/**/*", "secrets/*", "authority/*")


def back_up(
    places: Places, file: Path, now: datetime | None = None, *, recipients: Sequence[str] = ()
) -> dict[str, Any]:
    """Write the backup, encrypted for `recipients` if there are any; return its manifest.

    An existing `file` is replaced once the new one is whole.
    Raises InstallError where there is no gateway; apsw.Error, OSError.
    """
    if not (places.data / STORE_NAME).exists():
        raise InstallError(f"{places.data}: there is no store here, so there is nothing to back up")
    making = file.with_name(file.name + ".making")
    # The copies are made on the disk of the data: the other one may be slow, or a network's.
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=places.data) as folder:
        members = _members(places, Path(folder))
        with Reader.open(members[f"data/{STORE_NAME}"]) as store:
            manifest = {
                "format": FORMAT,
                "made_at": (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "version": places.current.readlink().name if places.current.is_symlink() else None,
                "store_id": store.store_id.hex(),
                "last_commit": store.last_commit(),
                "sha256": {name: _digest(path) for name, path in sorted(members.items())},
            }
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                with encrypting(stream, recipients) as sealed:
                    _write(sealed, manifest, members)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            making.unlink(missing_ok=True)  # a disk that is full stays so otherwise
            raise
    making.replace(file)
    return manifest


def _write(stream: BinaryIO, manifest: Mapping[str, Any], members: Mapping[str, Path]) -> None:
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        text = json.dumps(manifest, indent=1).encode()
        about = tarfile.TarInfo(MANIFEST)
        about.size = len(text)
        archive.addfile(about, io.BytesIO(text))
        for name, path in sorted(members.items()):
            archive.add(path, name, recursive=False)


def _members(places: Places, folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for database in sorted(places.data.glob("*.db")):
        if database.name not in (COPY, NOT_TAKEN):
            copy_database(database, folder / database.name)
            found[f"data/{database.name}"] = folder / database.name
    for top, name, patterns in ((places.data, "data", _DATA), (places.settings, "settings", _SETTINGS)):
        for pattern in patterns:
            for path in sorted(top.glob(pattern)):
                if path.is_file() and not path.is_symlink():
                    found[f"{name}/{path.relative_to(top)}"] = path
    return found


def unpack(file: Path, folder: Path, identity: Path | None = None) -> dict[str, Any]:
    """Unpack a backup into the empty `folder`, checked against its manifest, which is returned.

    `identity`: the file with the private key, for an encrypted one.
    Raises InstallError where it is no backup, or not whole, or for another key.
    """
    try:
        with (
            decrypting(file, identity) as plain,
            gzip.open(plain) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            first = archive.next()
            if first is None or first.name != MANIFEST or first.size > 1 << 24:
                raise InstallError(f"{file}: this is no backup of a gateway")
            manifest = json.load(cast(BinaryIO, archive.extractfile(first)))
            if manifest.get("format") != FORMAT:
                raise InstallError(
                    f"{file}: format {manifest.get('format')} is not known to this version; use the one "
                    "that wrote it, or a newer one"
                )
            _extract(archive, manifest["sha256"], folder, file)
            while stream.read(1 << 20):  # to its end, where the checksum of the whole is
                pass
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstallError(f"{file}: this is no backup of a gateway, or it is damaged: {error}") from error
    return cast(dict[str, Any], manifest)


def _extract(archive: tarfile.TarFile, wanted: Mapping[str, str], folder: Path, file: Path) -> None:
    missing = dict(wanted)
    for member in archive:
        if member.name == MANIFEST:
            continue
        if not member.isreg() or ".." in PurePosixPath(member.name).parts or member.name not in missing:
            raise InstallError(f"{file}: {member.name} does not belong into a backup")
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            content = cast(BinaryIO, archive.extractfile(member))
            while block := content.read(1 << 20):
                stream.write(block)
        if _digest(target) != missing.pop(member.name):
            raise InstallError(f"{file}: {member.name} is damaged in it")
    if missing:
        raise InstallError(f"{file}: it is cut off, {', '.join(sorted(missing)[:3])} is missing")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
