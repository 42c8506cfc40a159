"""What of an installed machine `sensornett doctor` looks at: versions, broker, time, wear of the card."""

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
from tools.installation.clock_check import advice
from tools.installation.places import Places
from tools.installation.sbom import ROOT

CERTIFICATE_WARN_DAYS = 90
WORN_WARN, WORN_FAIL = 80, 100  # percent of what the maker promises
_BLOCK = Path("/sys/block")


def machine_findings(places: Places, now_s: float, *, synchronised: bool) -> list[Finding]:
    """Return what there is to say of this machine; of broker and time only where a gateway is installed."""
    found = [Finding("versions", Health.OK, versions())]
    if (places.settings / FILE).exists():
        found.append(_broker(places, now_s))
        hints = advice(synchronised=synchronised)
        found += [Finding("time", Health.WARNING, *hint.split(". ", 1)) for hint in hints]
    return found + _wear()


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


def _wear(block: Path = _BLOCK) -> list[Finding]:
    """Return how worn eMMC is; SD cards do not tell."""
    found = []
    for file in sorted(block.glob("mmcblk*/device/life_time")):
        try:
            steps = [int(word, 16) for word in file.read_text().split()]
        except (OSError, ValueError):
            continue
        if not steps or max(steps) == 0:
            continue
        worn = 10 * max(steps)  # each step is a tenth of the life the maker promises (JEDEC eMMC 5.0)
        name, text = file.parts[-3], f"up to {worn} % of its life is used"
        if worn < WORN_WARN:
            found.append(Finding(name, Health.OK, text))
        else:
            health = Health.FAILURE if worn > WORN_FAIL else Health.WARNING
            found.append(Finding(name, health, text, "Take a backup, and put in a new one."))
    return found
