"""The key store: the key of each node, in one file outside the site's folder and outside git.

    {"nodes": {"11": "<32 hexadecimal digits>", ...}}

Only its owner may read it (mode 0600). No message ever repeats a part of it.
"""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from device_configs.problem import ConfigError, Problem

KEY_SIZE = 16
_SIZE_MAX = 1 << 22  # bytes; far more than 65535 keys take


def read_keys(path: Path) -> dict[int, bytes]:
    """Return the 16-byte key of each node id. Raises ConfigError when the store can not be trusted."""
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            raw = stream.read(_SIZE_MAX)
    except OSError as error:
        hint = "provisioning the first node makes it" if isinstance(error, FileNotFoundError) else None
        raise _wrong(path, f"the nodes' keys can not be read: {error.strerror}", hint) from error
    if mode & (0o037 if _is_credential(path) else 0o077):
        message = f"the nodes' keys may be read by other users (mode {mode:04o})"
        raise _wrong(path, message, f"chmod 600 {path}")
    try:
        store = json.loads(raw, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ConfigError([Problem(path, error.lineno, error.colno, "", f"not JSON: {error.msg}")]) from None
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "not JSON, or a name is given twice in it") from error
    nodes = store.get("nodes") if isinstance(store, dict) else None
    if not isinstance(nodes, dict):
        raise _wrong(path, 'this is no key store: it has to look like {"nodes": {"11": "32 hex digits"}}')
    return {_node_id(path, name): _key(path, name, key) for name, key in nodes.items()}


def write_keys(path: Path, keys: Mapping[int, bytes]) -> None:
    """Replace the key store as a whole, readable only by who owns its folder. Raises OSError."""
    text = json.dumps({"nodes": {str(node): key.hex() for node, key in sorted(keys.items())}}, indent=1)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        if os.geteuid() == 0:  # a command given with sudo leaves it to the gateway's user
            owner = path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


def _is_credential(path: Path) -> bool:
    """Whether systemd handed it over: its access list for the service's user shows as a group's mode."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return folder is not None and path.parent == Path(folder)


def _wrong(path: Path, message: str, hint: str | None = None) -> ConfigError:
    return ConfigError([Problem(path, 1, 1, "", message, hint)])


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)


def _node_id(path: Path, name: str) -> int:
    if not (name.isascii() and name.isdigit() and name == str(int(name[:9])) and 1 <= int(name) <= 65535):
        raise _wrong(path, "a node's id in it is not a whole number from 1 to 65535")
    return int(name)


def _key(path: Path, name: str, key: object) -> bytes:
    try:
        raw = bytes.fromhex(key) if isinstance(key, str) and len(key) == 2 * KEY_SIZE else b""
    except ValueError:
        raw = b""
    if len(raw) != KEY_SIZE:
        raise _wrong(path, f"the key of node {name} does not have {2 * KEY_SIZE} hexadecimal digits")
    return raw
