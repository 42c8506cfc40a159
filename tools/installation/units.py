"""The gateway's systemd units: the files beside this one, fitted to what was decided for one gateway."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tools.installation.choices import Backup, Choices
from tools.installation.places import DATA, SETTINGS, Places

SOURCE = Path(__file__).parent / "units"
BROKER, GATEWAY, SYNC = (f"sensornett-{part}.service" for part in ("broker", "gateway", "sync"))
BACKUP = "sensornett-backup.timer"
OPTIONAL = (SYNC, BACKUP)  # run only where gateway.yaml asks for them
WATCHERS = ("sensornett-access.path", "sensornett-keys.path")
SYSUSERS = PurePosixPath("/etc/sysusers.d/sensornett.conf")
TMPFILES = PurePosixPath("/etc/tmpfiles.d/sensornett.conf")
OPTIONS = SETTINGS / "options.env"
BRIDGE = PurePosixPath(f"/etc/systemd/system/{GATEWAY}.d/bridge.conf")

Files = Mapping[PurePosixPath, str | None]  # None: the file is not to be there


def started(choices: Choices) -> list[str]:
    """Return the units that run, in the order they are started."""
    asked = {SYNC: choices.influx, BACKUP: choices.backup}
    return [BROKER, GATEWAY, *(unit for unit in OPTIONAL if asked[unit] is not None), *WATCHERS]


def files(choices: Choices, site: str) -> Files:
    """Return every file the installation puts into the system's own folders, by its path."""
    found: dict[PurePosixPath, str | None] = {}
    for source in sorted(SOURCE.glob("sensornett-*")):
        found[PurePosixPath("/etc/systemd/system", source.name)] = _fitted(source, choices)
    found[SYSUSERS] = _fitted(SOURCE / "sensornett.sysusers", choices)
    found[TMPFILES] = _fitted(SOURCE / "sensornett.tmpfiles", choices)
    found[OPTIONS] = (
        "# Written by the installation from gateway.yaml.\n"
        f"SITE={SETTINGS}/sites/{site}\n"
        f"GATEWAY_OPTIONS={' '.join(choices.gateway_options())}\n"
        f"SYNC_OPTIONS={' '.join(choices.sync_options())}\n"
    )
    found[BRIDGE] = choices.bridge and (
        "[Service]\nPrivateDevices=no\nSupplementaryGroups=dialout\n"
        f"DeviceAllow={choices.bridge} rw\nDeviceAllow=char-ttyUSB rw\nDeviceAllow=char-ttyACM rw\n"
    )
    return found


def _fitted(source: Path, choices: Choices) -> str:
    text = source.read_text().replace(str(DATA), choices.data)
    default, backup = Backup(), choices.backup or Backup()
    return text.replace(default.folder, backup.folder).replace(f" {default.at}\n", f" {backup.at}\n")


def write(places: Places, wanted: Files) -> dict[PurePosixPath, str | None]:
    """Write `wanted` below the root; return what was there before, for another `write`. Raises OSError."""
    before: dict[PurePosixPath, str | None] = {}
    for path, text in wanted.items():
        file = places.inside(path)
        before[path] = file.read_text() if file.exists() else None
        if text is None:
            file.unlink(missing_ok=True)
        elif text != before[path]:
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_name(file.name + ".new")
            fresh.write_text(text)
            fresh.chmod(0o644)
            fresh.replace(file)
    return before
