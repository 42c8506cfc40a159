"""`./run install | upgrade | uninstall | backup | restore | export`, as `run` calls it."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import apsw
import typer
from pydantic import ValidationError

from device_configs.loader import load_site
from device_configs.problem import ConfigError
from gateway import audit
from gateway.store import StoreError
from tools.cli import tell_problems
from tools.installation import backup as backups
from tools.installation import clock_check, exporting, keeping, removal, restoring, units
from tools.installation.choices import FILE, Choices, read_choices, write_choices
from tools.installation.places import DATA, InstallError, Places
from tools.installation.services import Systemd, wait_healthy
from tools.installation.switching import Switch
from tools.node.credentials import Credentials
from tools.node.registry import replace
from tools.node.trouble import Trouble
from tools.node.words import Words

FAILED, CONFIGURATION = 1, 3

app = typer.Typer(help="A gateway on this machine.", add_completion=False, pretty_exceptions_enable=False)

Root = Annotated[
    Path, typer.Option(help="Another root than this machine's: a disk that is being made ready.")
]
Version = Annotated[Path | None, typer.Option("--version-dir", hidden=True)]
Site = Annotated[Path | None, typer.Option(help="The site's folder; it is copied.")]
SecretFile = Annotated[Path | None, typer.Option(help="File with InfluxDB's token or password.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def say(text: str) -> None:
    typer.echo(text, err=True)


def places_at(root: Path) -> Places:
    """Return the places of the gateway installed below `root`. Raises InstallError, ConfigError."""
    places = Places(root.resolve())
    if not (places.settings / FILE).exists():
        raise InstallError(f"{places.settings}: no gateway is installed here. First: ./run install")
    return Places(root.resolve(), PurePosixPath(read_choices(places.settings / FILE).data))


def note(places: Places, did: str, **details: object) -> None:
    """Write into the gateway's audit log who did it."""
    audit.note(places.data, time.time(), audit.who(), did, **details)


def switch_of(places: Places) -> Switch:
    def healthy(sync: bool) -> str:
        return wait_healthy(places.data, sync=sync)

    return Switch(places, Systemd(places), healthy, say)


@app.command()
def install(
    site: Site = None,
    root: Root = Path("/"),
    data: Annotated[str, typer.Option(help="Folder for the records, on the disk of your choice.")] = str(
        DATA
    ),
    page: Annotated[str, typer.Option(help="Where the page is served.")] = "127.0.0.1:8080",
    page_name: Annotated[list[str] | None, typer.Option(help="Name of the page behind a proxy.")] = None,
    broker_port: Annotated[int, typer.Option(help="TCP port for the nodes (MQTT over TLS).")] = 8883,
    broker_name: Annotated[list[str] | None, typer.Option(help="Further name of this machine.")] = None,
    packet_forwarder: Annotated[str | None, typer.Option(help="host:port for LoRa concentrators.")] = None,
    bridge: Annotated[str | None, typer.Option(help="Serial port of a USB LoRa bridge.")] = None,
    influx: Annotated[str | None, typer.Option(help="Address of InfluxDB. None: sync is off.")] = None,
    api: Annotated[str, typer.Option(help="v1 for InfluxDB 1.x, v2 for all newer ones.")] = "v2",
    database: Annotated[
        str, typer.Option("--database", "--bucket", help="Database or bucket.")
    ] = "sensornett",
    org: Annotated[str | None, typer.Option(help="Organisation (v2).")] = None,
    user: Annotated[str | None, typer.Option(help="User (v1).")] = None,
    influx_secret_file: SecretFile = None,
    version_dir: Version = None,
    as_json: Json = False,
) -> None:
    """Set up a gateway on this machine: users, folders, broker, certificates, services."""
    if site is None or version_dir is None:
        raise InstallError("say which site: ./run install --site FOLDER")
    places = Places(root.resolve(), PurePosixPath(data))
    file = places.settings / FILE
    if file.exists():
        raise InstallError(
            f"{file}: a gateway is installed here. To change it, edit this file, then ./run upgrade"
        )
    at = {"url": influx, "api": api, "database": database, "org": org, "user": user} if influx else None
    choices = _chosen(
        data=data,
        page=page,
        page_names=tuple(page_name or ()),
        broker={"port": broker_port, "names": tuple(broker_name or (os.uname().nodename,))},
        packet_forwarder=packet_forwarder,
        bridge=bridge,
        influx=at,
    )
    places.settings.mkdir(parents=True, exist_ok=True)
    (places.settings / "secrets").mkdir(mode=0o700, exist_ok=True)
    if influx_secret_file is not None:
        _write_secret(places.settings / "secrets" / "influx", influx_secret_file.read_text().strip())
    write_choices(file, choices)
    try:
        switch_of(places).to(version_dir, choices, site)
    finally:
        if not places.current.is_symlink():  # it did not come that far, and may be tried again
            file.unlink()
    note(places, "installed", version=version_dir.name)
    for advice in clock_check.advice():
        say(advice)
    _done(
        as_json, f"Installed: {version_dir.name}. The page: http://{choices.page}", version=version_dir.name
    )


@app.command()
def upgrade(
    site: Site = None,
    root: Root = Path("/"),
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Also new secrets between gateway and broker.")
    ] = False,
    influx_secret_file: SecretFile = None,
    version_dir: Version = None,
    as_json: Json = False,
) -> None:
    """Bring the gateway to this version, with gateway.yaml as it is now and, if given, a new site.

    Where the new version is not well within a minute and a half, the one before runs again. The broker's
    certificate and its key are new with each upgrade; nodes believe its CA, which stays.
    """
    if version_dir is None:
        raise InstallError("start it as ./run upgrade")
    places = places_at(root)
    choices = read_choices(places.settings / FILE)
    id_ = load_site(site or places.site).id
    rotated = []
    if rotate:
        Credentials(places.data, id_).renew_gateway()
        rotated.append("broker")
    if influx_secret_file is not None:
        _write_secret(places.secrets / "influx", influx_secret_file.read_text().strip())
        rotated.append("influx")
    for secret in rotated:
        note(places, "rotated", secret=secret)
    switch_of(places).to(version_dir, choices, site)
    note(places, "upgraded", version=version_dir.name, site=None if site is None else id_)
    _done(as_json, f"Version {version_dir.name} runs.", version=version_dir.name)


@app.command()
def uninstall(
    root: Root = Path("/"),
    purge: Annotated[bool, typer.Option("--purge", help="Also records, keys and settings.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove the gateway. Records, keys and settings stay unless --purge is given."""
    places = places_at(root)
    if purge and not yes:
        typer.confirm(f"Every record and key in {places.data} will be gone. Go on?", abort=True, err=True)
    removal.uninstall(places, Systemd(places), purge=purge, say=say)
    _done(as_json, "The gateway is removed.", purged=purge)


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="Left out: a new one where gateway.yaml says, the oldest goes.")
    ] = None,
    recipient: Annotated[
        list[str] | None, typer.Option(help="Encrypt for this public key of age, not those of gateway.yaml.")
    ] = None,
    root: Root = Path("/"),
    as_json: Json = False,
) -> None:
    """Write store, alerts, keys and settings to one file, while the gateway runs."""
    places = places_at(root)
    nightly = read_choices(places.settings / FILE).backup
    recipients = recipient or (nightly.recipients if nightly else ())
    gone = 0
    if file is None:
        if nightly is None:
            raise InstallError(
                f"say which FILE, or put `backup: {{folder: ...}}` into {places.settings / FILE}"
            )
        folder, site = places.inside(nightly.folder), places.site.name
        file = folder / keeping.name_of(site, datetime.now(UTC), encrypted=bool(recipients))
        manifest = backups.back_up(places, file, recipients=recipients)
        gone = len(keeping.prune(folder, site, nightly.keep))
    else:
        manifest = backups.back_up(places, file, recipients=recipients)
    note(places, "backed up", file=str(file))
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    guard = "Encrypted." if recipients else "It holds every key: guard it."
    text = f"{file}: {size}, up to record {manifest['last_commit']}. {guard}"
    _done(as_json, text, file=str(file), encrypted=bool(recipients), removed=gone, **manifest)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    root: Root = Path("/"),
    identity: Annotated[
        Path | None, typer.Option(help="File with the private key of age an encrypted backup is for.")
    ] = None,
    only_data: Annotated[
        bool, typer.Option("--only-data", help="Not the site, the CA and the secrets.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup back in place of what is there, which is set aside."""
    places = places_at(root)
    switch = switch_of(places)
    choices = read_choices(places.settings / FILE)
    services = units.started(choices)
    switch.services.stop(list(reversed(services)))
    try:
        manifest = restoring.restore(places, file, settings=not only_data, say=say, identity=identity)
    except BaseException:
        switch.services.start(services)  # what was there before goes on
        raise
    note(places, "restored", file=str(file), made_at=manifest["made_at"])
    switch.to(places.versions / places.current.readlink().name, choices, None)
    _done(
        as_json,
        f"Restored: the state of {manifest['made_at']}. Nodes send what came after it again.",
        **manifest,
    )


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    root: Root = Path("/"),
    as_json: Json = False,
) -> None:
    """Write every record and everything about them in open formats to a new folder."""
    places = places_at(root)
    told = exporting.export(places.data, places.site, folder)
    note(places, "exported", folder=str(folder))
    _done(as_json, f"{folder}: {told['records']} records.", **told)


def _chosen(**given: Any) -> Choices:
    try:
        return Choices.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + "-".join(str(step) for step in first["loc"]).replace("_", "-")
        raise InstallError(f"{option} {first['input']!r}: {first['msg']}") from error


def _write_secret(path: Path, secret: str) -> None:
    replace(path, secret + "\n", 0o600)


def _done(as_json: bool, text: str, **told: Any) -> None:
    say(text)
    if as_json:
        typer.echo(json.dumps({"ok": True, **told}))


def main() -> int:
    """Run one command line; return the exit status."""
    try:
        app(prog_name="./run")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    except ConfigError as error:
        tell_problems(error, as_json=False)
        return CONFIGURATION
    except Trouble as error:
        say(error.told(Words("en")))
        return error.status
    except PermissionError as error:
        say(f"{error.filename}: this needs root rights. Give the command with sudo.")
    except (InstallError, StoreError, apsw.Error, OSError) as error:
        say(str(error))
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
