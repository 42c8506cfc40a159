"""Each node's user and password at the broker, and the files Mosquitto reads them from.

In the state directory: broker.json (mode 0600) with the passwords themselves, since new settings for a node
must carry them again; broker/passwords and broker/access for Mosquitto's password_file and acl_file.
"""

import base64
import hashlib
import json
import secrets
import threading
from pathlib import Path

from tools.node.registry import replace
from tools.node.trouble import Trouble
from tools.servers import access_list

GATEWAY = "gateway"
RELAY = "relay-"
_ROUNDS = 101  # Mosquitto's own; passwords of 128 random bits need no more


def hashed(password: str, salt: bytes | None = None) -> str:
    """Return a password as Mosquitto 2 keeps it: $7$, PBKDF2-HMAC-SHA512, salt and hash in base64."""
    salt = secrets.token_bytes(12) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return "$".join(
        ["", "7", str(_ROUNDS), base64.b64encode(salt).decode(), base64.b64encode(digest).decode()]
    )


class Credentials:
    """The credentials of a site's nodes, its gateway and its relays, in its gateway's state directory."""

    def __init__(self, state: Path, site: str) -> None:
        self._file = state / "broker.json"
        self._folder = state / "broker"
        self._site = site
        self._users: dict[str, str] = {}
        self._lock = threading.RLock()  # several boards may be made at the same time
        try:
            self._users = {str(u): str(p) for u, p in json.loads(self._file.read_text())["users"].items()}
        except FileNotFoundError:
            pass
        except PermissionError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Trouble("registry", path=self._file, detail=str(error)) from error

    def password(self, node: int) -> str:
        """Return the node's password, drawn and written down if it has none yet. Raises OSError."""
        self.gateway()
        return self._password(f"n{node}")

    def gateway(self) -> str:
        """Return the gateway's own password, drawn and written down if it has none yet. Raises OSError."""
        return self._password(GATEWAY)

    def relay(self, name: str) -> str:
        """Return a new password for another site's gateway of this name. Raises OSError."""
        self._users.pop(RELAY + name, None)
        return self._password(RELAY + name)

    def _password(self, user: str) -> str:
        with self._lock:
            if user not in self._users:
                self._users[user] = secrets.token_urlsafe(16)
                self._save()
            return self._users[user]

    def has(self, node: int) -> bool:
        """Whether the node may connect."""
        return f"n{node}" in self._users

    def renew(self, node: int) -> None:
        """The next `password` will be another one. Raises OSError."""
        with self._lock:
            self._users.pop(f"n{node}", None)

    def renew_gateway(self) -> None:
        """The gateway gets another password; the one before is worthless. Raises OSError."""
        self._users[GATEWAY] = secrets.token_urlsafe(16)
        self._save()

    def revoke(self, node: int) -> None:
        """The node may no longer connect, once the broker has read its files again. Raises OSError."""
        if self._users.pop(f"n{node}", None) is not None:
            self._save()

    def _save(self) -> None:
        replace(self._file, json.dumps({"users": self._users}, indent=1) + "\n", 0o600)
        self.publish()

    def publish(self) -> None:
        """Write the files Mosquitto reads. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{user}:{hashed(password)}\n" for user, password in sorted(self._users.items())]
        replace(self._folder / "passwords", "".join(lines), 0o640)
        relays = sorted(user[len(RELAY) :] for user in self._users if user.startswith(RELAY))
        nodes = sorted(int(user[1:]) for user in self._users if user != GATEWAY and RELAY not in user)
        lines = access_list(self._site, nodes, GATEWAY, relays)
        replace(self._folder / "access", "\n".join([*lines, ""]), 0o640)
