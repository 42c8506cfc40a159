"""A private MQTT broker."""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.servers.processes import HOST, ServerError, find_program
from tools.servers.server import Server


class Mosquitto(Server):
    """A private MQTT broker (Mosquitto 2).

    credentials: user -> password; without them everybody may connect. access: the lines of its ACL file
    (see `access_list`); without them everybody may use every topic. settings: further configuration lines.
    """

    name = "mosquitto"
    program = "mosquitto"
    package = "mosquitto"

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        credentials: Mapping[str, str] | None = None,
        access: Iterable[str] | None = None,
        settings: Iterable[str] = (),
    ) -> None:
        super().__init__(directory, port)
        self.credentials = dict(credentials) if credentials is not None else None
        self.access = list(access) if access is not None else None
        self.settings = list(settings)

    def reload(self) -> None:
        """Apply changed `credentials` and `access` without a restart (revoking one, say)."""
        self._write_access()
        self._signal(signal.SIGHUP)

    def _arguments(self) -> Sequence[str]:
        lines = [
            f"listener {self.port} {HOST}",
            # As root it would become the user `mosquitto`, who cannot read this directory; the change of
            # user would also take away the parent-death signal.
            *(["user root"] if os.geteuid() == 0 else []),
            "persistence false",
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            f"allow_anonymous {'true' if self.credentials is None else 'false'}",
        ]
        if self.credentials is not None:
            lines.append(f"password_file {self.directory / 'passwords'}")
        if self.access is not None:
            lines.append(f"acl_file {self.directory / 'access'}")
        self._write_access()
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text("\n".join([*lines, *self.settings, ""]))
        return ["-c", str(configuration)]

    def _write_access(self) -> None:
        if self.access is not None:
            _write_private(self.directory / "access", "\n".join([*self.access, ""]))
        if self.credentials is not None:
            passwords = self.directory / "passwords.new"
            _write_private(passwords, "".join(f"{u}:{p}\n" for u, p in self.credentials.items()))
            if self.credentials:
                hasher = find_program("mosquitto_passwd", self.package)
                done = subprocess.run([hasher, "-U", passwords], capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise ServerError(f"mosquitto_passwd cannot hash the passwords: {done.stderr.strip()}")
            passwords.replace(self.directory / "passwords")


def access_list(
    site: str, nodes: Iterable[int], gateway: str = "gateway", relays: Iterable[str] = ()
) -> list[str]:
    """Return the ACL lines that let each node (user `n<id>`) use its own topics only, and the gateway all.

    `relays` are the names of other sites' gateways (users `relay-<name>`), which hand on what they heard.
    Offers of updates and their pieces come from the gateway's user; a node says what it made of its own.
    """
    lines = [f"user {gateway}", f"topic read sn/{site}/+/up", f"topic write sn/{site}/+/down"]
    lines += [f"topic write sn/{site}/+/offer", f"topic write sn/{site}/fw/#", f"topic read sn/{site}/+/said"]
    lines += [f"topic read sn/{site}/relay/+/up", f"topic write sn/{site}/relay/+/down"]
    for relay in relays:
        mine = f"sn/{site}/relay/{relay}"
        lines += [f"user relay-{relay}", f"topic write {mine}/up", f"topic read {mine}/down"]
    for node in nodes:
        mine = f"sn/{site}/{node}"
        lines += [f"user n{node}", f"topic write {mine}/up", f"topic read {mine}/down"]
        lines += [f"topic read {mine}/offer", f"topic write {mine}/said", f"topic read sn/{site}/fw/#"]
    return lines


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
