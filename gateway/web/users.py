"""Who may act on the page: users.json in the state directory, readable by its owner alone.

Passwords are kept as Argon2id (RFC 9106) with the 19 MiB and two passes that OWASP's cheat sheet names.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

FILE_NAME = "users.json"
PASSWORD_MIN = 12
PASSWORD_MAX = 256
NAME_MAX = 40
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1

Role = Literal["viewer", "operator", "technician"]
ROLES: tuple[Role, ...] = get_args(Role)


class UsersError(Exception):
    """The users cannot be read or changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """One who may log in. `password` is the Argon2id hash in PHC form, never the password."""

    role: Role
    password: str


def hashed(password: str) -> str:
    """Return what is kept of a password. Raises UsersError where it is too short or too long."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise UsersError(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    kdf = Argon2id(
        salt=secrets.token_bytes(16), length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB
    )
    return kdf.derive_phc_encoded(password.encode())


_NOBODY = hashed(secrets.token_urlsafe(16))  # so that an unknown name takes as long as a wrong password


def fits(user: User | None, password: str) -> bool:
    """Whether the password is this user's. Takes some 0.1 s, also where there is no such user."""
    try:
        kept = user.password if user else _NOBODY
        Argon2id.verify_phc_encoded(password[: PASSWORD_MAX + 1].encode(), kept)
    except InvalidKey:
        return False
    return user is not None


def read_users(path: Path) -> Mapping[str, User]:
    """Return the users by name; none where there is no file. Raises UsersError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsersError(f"{path}: cannot be read: {error}") from error
    try:
        users = {str(name): User(**entry) for name, entry in json.loads(text).items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise UsersError(
            f"{path}: is damaged ({error}). Move it aside and add the users again with "
            "`sensornett gateway user add`"
        ) from error
    for name, user in users.items():
        if user.role not in ROLES:
            raise UsersError(f"{path}: {name} has the role `{user.role}`; there are: {', '.join(ROLES)}")
    return users


def write_users(path: Path, users: Mapping[str, User]) -> None:
    """Replace the file, readable by its owner alone. Raises UsersError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump({name: asdict(user) for name, user in sorted(users.items())}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():  # the gateway's user goes on reading what root has changed
            before = path.stat()
            if os.geteuid() == 0:
                os.chown(draft, before.st_uid, before.st_gid)
        elif os.geteuid() == 0:
            folder = path.parent.stat()
            os.chown(draft, folder.st_uid, folder.st_gid)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsersError(f"{path}: cannot be written: {error.strerror}") from error


def check_name(name: str) -> None:
    """Raise UsersError where this is no name for a user."""
    plain = all(c.isalnum() or c in ".-_ " for c in name) and name == name.strip()
    if not plain or not 2 <= len(name) <= NAME_MAX:
        raise UsersError(f"a name has 2 to {NAME_MAX} letters, digits, spaces and . - _")
