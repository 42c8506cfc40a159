"""What of an installed machine `sensornett doctor` looks at: versions, broker, clock, wear, backup, duty."""

import platform
import re
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import apsw

from device_configs.problem import ConfigError
from tools.finding import Finding, Health
from tools.installation.choices import FILE, read_choices
from tools.installation.clock_check import battery_clock
from tools.installation.encryption import SUFFIX
from tools.installation.keeping import backups
from tools.installation.places import InstallError, Places
from tools.installation.sbom import ROOT
from tools.installation.watchfulness import tonight
from tools.installation.wear import wear

CERTIFICATE_WARN_DAYS = 90
BACKUP_OLD_S = 36 * 3600
SQLITE_LEAST = (3, 51, 3)  # before it two writers could damage the log while it began anew


def machine_findings(places: Places, now_s: float, *, synchronised: bool) -> list[Finding]:
    """Return what there is to say of this machine; of broker, clock, backup, duty where one is installed."""
    found = [Finding("versions", Health.OK, versions()), sqlite(), wear(places.data)]
    if (places.settings / FILE).exists():
        found += [_broker(places, now_s), battery_clock(), _backup(places, now_s)]
        try:
            found.append(tonight(places.data, places.site, now_s))
        except InstallError as error:
            found.append(Finding("site", Health.FAILURE, str(error), "./run upgrade --site FOLDER"))
    return found


def sqlite(version: str = "") -> Finding:
    """Return whether the store's SQLite is one that is safe for it."""
    version = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")) >= SQLITE_LEAST:
        return Finding("SQLite", Health.OK, version)
    text = f"{version} can damage the store when two connections write"
    return Finding("SQLite", Health.FAILURE, text, "`./run upgrade` brings the right one.")


def _backup(places: Places, now_s: float) -> Finding:
    """Return how old the newest backup is, and whether it would outlive the disk."""
    what, log = "backup", "`journalctl -u sensornett-backup` says why."
    try:
        nightly = read_choices(places.settings / FILE).backup
        if nightly is None:
            step = f"Put `backup: {{folder: ...}}` into {places.settings / FILE}, then ./run upgrade."
            return Finding(what, Health.WARNING, "none is made each night", step)
        folder = places.inside(nightly.folder)
        made = backups(folder, places.site.name)
        same_disk = folder.stat().st_dev == places.data.stat().st_dev
    except PermissionError as error:
        text = f"{error.filename}: {error.strerror}"
        return Finding(what, Health.WARNING, text, "Give the command with sudo.")
    except ConfigError as error:
        return Finding(what, Health.FAILURE, error.problems[0].message, f"Correct {places.settings / FILE}.")
    except (OSError, InstallError) as error:
        return Finding(what, Health.FAILURE, str(error), "Is the disk for backups there, and mounted?")
    if not made:
        step = "`systemctl start sensornett-backup` makes the first."
        return Finding(what, Health.WARNING, f"there is none in {folder} yet", step)
    newest, file = made[-1]
    text = f"{len(made)} in {folder}, the newest from {newest:%Y-%m-%d %H:%M} UTC"
    text += ", encrypted" if file.name.endswith(SUFFIX) else ", not encrypted"
    if now_s - newest.timestamp() > BACKUP_OLD_S:
        return Finding(what, Health.FAILURE, text, log)
    if same_disk:
        step = "A disk that fails takes both: let `backup.folder` be on another one."
        return Finding(what, Health.WARNING, f"{text}, on the disk of the records", step)
    return Finding(what, Health.OK, text)


def versions(root: Path = ROOT) -> str:
    """Return what runs here, in one line."""
    if root.parent.name == "versions":
        own = root.name
    else:
        number = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(), re.MULTILINE)
        own = f"{number[1] if number else '?'} (checkout)"
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        system = platform.system()
    parts = [own, f"Python {platform.python_version()}", f"SQLite {apsw.sqlite_lib_version()}"]
    return ", ".join([*parts, system, platform.machine()])


def _broker(places: Places, now_s: float) -> Finding:
    """Connect to the broker as a node does, as far as its certificate."""
    log = "`journalctl -u sensornett-broker -n 50` says why."
    try:
        port = read_choices(places.settings / FILE).broker.port
        believed = ssl.create_default_context(cafile=str(places.settings / "ca.pem"))
        with (
            socket.create_connection(("localhost", port), timeout=5) as plain,
            believed.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            certificate = secure.getpeercert() or {}
    except ConfigError as error:
        return Finding(
            "broker", Health.FAILURE, error.problems[0].message, f"Correct {places.settings / FILE}."
        )
    except ssl.SSLCertVerificationError as error:
        step = "`./run upgrade` makes a new certificate."
        return Finding("broker", Health.FAILURE, f"its certificate: {error.verify_message}", step)
    except OSError as error:
        return Finding("broker", Health.FAILURE, f"does not answer: {error.strerror or error}", log)
    ends_s = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    text = f"answers on port {port}, certificate until {datetime.fromtimestamp(ends_s, UTC):%Y-%m-%d}"
    if ends_s - now_s < CERTIFICATE_WARN_DAYS * 86_400:
        return Finding("broker", Health.WARNING, text, "`./run upgrade` makes a new certificate.")
    return Finding("broker", Health.OK, text)
