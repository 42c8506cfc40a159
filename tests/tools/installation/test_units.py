"""The unit files, judged by systemd's own tools as they are installed."""

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from tools.installation import units
from tools.installation.choices import Backup, Choices, Influx
from tools.installation.places import Places

EXPOSURE_MAX = 2.0
CHOICES = Choices(data="/mnt/disk/sensornett", influx=Influx(url="http://db:8086"), bridge="/dev/ttyUSB0")
SERVICES = sorted(file.name for file in units.SOURCE.glob("*.service"))
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    places = Places(tmp_path)
    units.write(places, units.files(CHOICES, "here"))
    # What the units start is looked for by `verify`.
    for program in (
        "/opt/sensornett/current/.venv/bin/python", "/usr/sbin/mosquitto", "/bin/systemctl",
    ):  # fmt: skip
        file = places.inside(program)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    # systemd's own targets, which the units name.
    own = tmp_path / "usr/lib/systemd/system"
    own.mkdir(parents=True)
    for target in Path("/usr/lib/systemd/system").glob("*.target"):
        shutil.copy(target, own / target.name)
    return tmp_path


@needs_systemd
def test_systemd_finds_nothing_wrong_with_them(root: Path) -> None:
    names = [file.name for file in units.SOURCE.iterdir() if file.name.startswith("sensornett-")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "sensornett" in line]
    assert (done.returncode, told) == (0, [])


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_exposure(root: Path, service: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", f"--root={root}", service],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) <= EXPOSURE_MAX


def test_data_on_another_disk_is_what_every_unit_says(root: Path) -> None:
    for service in ("sensornett-gateway.service", "sensornett-sync.service"):
        text = (root / "etc/systemd/system" / service).read_text()
        assert re.search(r"^ReadWritePaths=/mnt/disk/sensornett( |$)", text, re.MULTILINE)
        assert "RequiresMountsFor=/mnt/disk/sensornett\n" in text
    everything = "".join(text or "" for text in units.files(CHOICES, "here").values())
    assert "/var/lib/sensornett" not in everything


def test_nothing_secret_is_on_a_command_line(root: Path) -> None:
    for service in SERVICES:
        text = (root / "etc/systemd/system" / service).read_text()
        for line in text.splitlines():
            if line.startswith(("ExecStart=", "Environment=")):
                assert not re.search(r"--(broker-)?password |--token ", line)
    assert "SYNC_OPTIONS=--influx http://db:8086 --api v2 --database sensornett\n" in (
        (root / "etc/sensornett/options.env").read_text()
    )


def test_gateway_and_sync_are_watched_and_get_their_secrets_as_credentials(root: Path) -> None:
    for service in ("sensornett-gateway.service", "sensornett-sync.service"):
        text = (root / "etc/systemd/system" / service).read_text()
        for line in ("Type=notify", "Restart=always", "User=sensornett"):
            assert line in text.splitlines()
        assert re.search(r"^WatchdogSec=\d+$", text, re.MULTILINE)
        assert re.search(r"^LoadCredential=", text, re.MULTILINE)


def test_written_files_can_be_put_back(root: Path) -> None:
    places = Places(root)
    before = units.write(places, units.files(Choices(page="0.0.0.0:80"), "here"))
    assert not places.inside(units.BRIDGE).exists()
    changed = units.write(places, before)
    assert places.inside(units.BRIDGE).exists()
    assert "0.0.0.0:80" in (changed[PurePosixPath(units.OPTIONS)] or "")
    assert "0.0.0.0:80" not in places.inside(units.OPTIONS).read_text()


def test_what_is_optional_is_started_only_where_it_is_asked_for() -> None:
    assert units.SYNC in units.started(CHOICES)
    assert units.BACKUP not in units.started(CHOICES)
    assert units.BACKUP in units.started(Choices(backup=Backup()))
    assert not set(units.OPTIONAL) & set(units.started(Choices()))


def test_the_backup_goes_where_and_when_it_was_decided() -> None:
    wanted = units.files(Choices(backup=Backup(folder="/mnt/usb/copies", at="04:15")), "here")
    timer, service = (
        wanted[PurePosixPath("/etc/systemd/system", f"sensornett-backup.{kind}")] or ""
        for kind in ("timer", "service")
    )
    assert "OnCalendar=*-*-* 04:15\n" in timer
    assert "RequiresMountsFor=/mnt/usb/copies\n" in timer
    assert "RequiresMountsFor=/var/lib/sensornett /mnt/usb/copies\n" in service
    assert "ReadWritePaths=/var/lib/sensornett -/mnt/usb/copies\n" in service
