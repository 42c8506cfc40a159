"""What is decided for one gateway: /etc/sensornett/gateway.yaml. Nothing secret is in it."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from ruamel.yaml import YAML

from device_configs.entry import Entry, matching, wrong
from device_configs.problem import ConfigError
from device_configs.source import read_yaml
from device_configs.validate import validate
from tools.installation.encryption import KEY
from tools.installation.places import DATA

FILE = "gateway.yaml"
APPLIED = "gateway.applied.yaml"  # as the version that runs was started with it
HEAD = (
    "# What was decided for this gateway. After a change: ./run upgrade. Nothing secret belongs here.\n"
    "# The site, its nodes and alerts are in site/.\n"
)


def _is_absolute(path: str) -> str:
    if not PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise wrong("has to be an absolute path without `..`")
    return path


# These end up on a command line in a unit file, where systemd gives %, $, quotes and spaces a meaning.
Plain = Annotated[str, matching(r"^[\w.:/\[\]@+-]{1,200}$", "letters, digits and . : / [ ] @ + - _")]
PlainPath = Annotated[
    str,
    matching(r"^[\w./+-]{1,200}$", "a path of letters, digits and . / + - _"),
    AfterValidator(_is_absolute),
]


class Broker(Entry):
    """The MQTT broker of this gateway."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8883
    """TCP port, TLS."""
    names: tuple[Plain, ...] = ()
    """Further names and addresses its certificate is made out to."""


class Influx(Entry):
    """The database that sync writes to."""

    url: Plain
    """Address, as http://host:8086."""
    api: Literal["v1", "v2"] = "v2"
    """v1 for InfluxDB 1.x, v2 for all newer ones."""
    database: Plain = "sensornett"
    """Database (v1) or bucket (v2)."""
    org: Plain | None = None
    """Organisation (v2)."""
    user: Plain | None = None
    """User (v1). The password, or the token (v2), is in secrets/influx."""
    proxy: Plain | None = None
    """HTTP proxy, as http://host:3128."""
    ca: PlainPath | None = None
    """Own certificate authorities (PEM)."""


class Backup(Entry):
    """The backup that a timer makes each night."""

    folder: PlainPath = "/var/backups/sensornett"
    """Where to: a folder on another disk than the records', or on another machine's."""
    at: Annotated[str, matching(r"^([01]\d|2[0-3]):[0-5]\d$", "a time of day, as 02:30")] = "02:30"
    """When, by this machine's clock. Missed while it was off, it is made up for."""
    keep: Annotated[int, Field(ge=1, le=10_000)] = 14
    """How many are kept."""
    recipients: tuple[Annotated[str, matching(KEY, "a public key of age, as age1...")], ...] = ()
    """Public keys the backups are encrypted for. The private ones do not belong on this machine."""


class Choices(Entry):
    """gateway.yaml"""

    data: PlainPath = str(DATA)
    """Where the store is: a folder on the disk that is to take the records."""
    page: Plain = "127.0.0.1:8080"
    """Where the page is served. For others than this machine put a reverse proxy with TLS before it."""
    page_names: tuple[Plain, ...] = ()
    """What the page is called behind that proxy; it answers to no other name but this machine's own."""
    store_cap_mb: Annotated[int, Field(ge=64)] | None = None
    """Room the store may take on this machine, in MB; left out: as site.yaml says under `retention`."""
    broker: Broker = Broker()
    """The MQTT broker."""
    packet_forwarder: Plain | None = None
    """Where LoRa concentrators report to, as host:port (UDP)."""
    bridge: Annotated[str, matching(r"^/dev/[\w./-]+$", "a device below /dev")] | None = None
    """Serial port of a USB LoRa bridge."""
    influx: Influx | None = None
    """The database; without one sync is off."""
    backup: Backup | None = None
    """Where each night's backup goes; without it there is none."""

    def gateway_options(self) -> list[str]:
        """Return what `sensornett gateway` is told besides its places."""
        options = ["--broker", f"localhost:{self.broker.port}"]
        options += ["--page", self.page, *(f"--page-name={name}" for name in self.page_names)]
        options += ["--store-cap", str(self.store_cap_mb)] if self.store_cap_mb else []
        if self.packet_forwarder:
            options += ["--packet-forwarder", self.packet_forwarder]
        return [*options, "--bridge", self.bridge] if self.bridge else options

    def sync_options(self) -> list[str]:
        """Return what `sensornett sync` is told besides its places."""
        if self.influx is None:
            return []
        options = ["--influx", self.influx.url, "--api", self.influx.api, "--database", self.influx.database]
        for name in ("org", "user", "proxy", "ca"):
            if value := getattr(self.influx, name):
                options += [f"--{name}", value]
        return options


def read_choices(file: Path) -> Choices:
    """Return the choices in `file`. Raises ConfigError."""
    document, problems = read_yaml(file)
    choices, more = (None, []) if problems else validate(document, (), Choices)
    if choices is None:
        raise ConfigError([*problems, *more])
    return choices


def write_choices(file: Path, choices: Choices) -> None:
    """Write a new gateway.yaml, which people change from then on. Raises OSError."""
    with file.open("w") as stream:
        stream.write(HEAD)
        YAML(typ="safe").dump(choices.model_dump(mode="json", exclude_none=True), stream)
