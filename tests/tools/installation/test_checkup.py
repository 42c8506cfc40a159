"""What the doctor sees of a machine: a real broker and its certificate, and wear as the kernel tells it."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tools.installation.staged import SITE_ID, InstalledBroker, staged
from tools.finding import Health
from tools.installation import checkup
from tools.installation.authority import make_authority
from tools.installation.choices import FILE, Backup, Choices, write_choices
from tools.installation.keeping import name_of
from tools.installation.places import Places

FIVE_YEARS_S = 5 * 365 * 86_400


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[InstalledBroker]:
    installed = InstalledBroker(staged(tmp_path))
    write_choices(installed.places.settings / FILE, installed.choices)
    with installed:
        yield installed


def broker_finding(places: Places, now_s: float) -> tuple[Health, str, str]:
    found = checkup.machine_findings(places, now_s, synchronised=True)
    (finding,) = [each for each in found if each.what == "broker"]
    return finding.health, finding.text, finding.next_step


@pytest.mark.servers
def test_broker(broker: InstalledBroker) -> None:
    health, text, _ = broker_finding(broker.places, time.time())
    assert health is Health.OK
    assert f"port {broker.port}, certificate until 20" in text
    health, _, step = broker_finding(broker.places, time.time() + FIVE_YEARS_S - 30 * 86_400)
    assert health is Health.WARNING
    assert "./run upgrade" in step
    broker.stop()
    health, text, step = broker_finding(broker.places, time.time())
    assert health is Health.FAILURE
    assert "does not answer" in text
    assert "journalctl" in step


@pytest.mark.servers
def test_a_certificate_of_another_authority(broker: InstalledBroker, tmp_path: Path) -> None:
    other = staged(tmp_path / "other")
    make_authority(other.authority, "x")
    (broker.places.settings / "ca.pem").write_bytes((other.authority / "ca.pem").read_bytes())
    health, text, _ = broker_finding(broker.places, time.time())
    assert health is Health.FAILURE
    assert "its certificate" in text


def test_choices_with_a_mistake(tmp_path: Path) -> None:
    places = staged(tmp_path)
    (places.settings / FILE).write_text("page: 7\n")
    health, _, step = broker_finding(places, time.time())
    assert health is Health.FAILURE
    assert FILE in step


def test_where_nothing_is_installed_little_is_told(tmp_path: Path) -> None:
    found = checkup.machine_findings(Places(tmp_path), time.time(), synchronised=False)
    assert [finding.what for finding in found] == ["versions", "SQLite", "disk wear"]


def test_versions(tmp_path: Path) -> None:
    assert "(checkout), Python 3." in checkup.versions()
    assert "SQLite 3." in checkup.versions()
    assert checkup.versions(tmp_path / "versions" / "0.1.0-12345678").startswith("0.1.0-12345678, ")


def test_the_sqlite_that_could_damage_a_store_is_named() -> None:
    assert checkup.sqlite().health is Health.OK
    assert checkup.sqlite("3.51.2").health is Health.FAILURE
    assert checkup.sqlite("3.40.1").next_step
    assert checkup.sqlite("3.51.3").health is Health.OK


def backup_finding(places: Places, now_s: float) -> tuple[Health, str]:
    found = checkup._backup(places, now_s)
    assert bool(found.next_step) is (found.health is not Health.OK), found
    return found.health, found.text


def test_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places, now_s = staged(tmp_path), time.time()
    write_choices(places.settings / FILE, Choices())
    assert backup_finding(places, now_s) == (Health.WARNING, "none is made each night")
    write_choices(places.settings / FILE, Choices(backup=Backup(folder="/mnt/usb")))
    assert backup_finding(places, now_s)[0] is Health.FAILURE  # no such folder
    folder = tmp_path / "mnt/usb"
    folder.mkdir(parents=True)
    assert backup_finding(places, now_s)[0] is Health.WARNING  # none yet
    made = datetime.fromtimestamp(now_s - 3600, UTC)
    (folder / name_of(SITE_ID, made, encrypted=True)).touch()
    health, text = backup_finding(places, now_s)
    assert health is Health.WARNING
    assert "1 in" in text
    assert ", encrypted, on the disk of the records" in text
    assert backup_finding(places, now_s + 2 * 86_400)[0] is Health.FAILURE  # too old
    # /dev/shm is another disk than the tests' folder.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        (Path(other) / name_of(SITE_ID, made, encrypted=False)).touch()
        (tmp_path / "mnt/shm").symlink_to(other)
        write_choices(places.settings / FILE, Choices(backup=Backup(folder="/mnt/shm")))
        health, text = backup_finding(places, now_s)
        assert (health, text.endswith("not encrypted")) == (Health.OK, True)


def test_nothing_a_helper_asks_for_is_left_out(tmp_path: Path) -> None:
    """Together with what the gateway and sync say of themselves: tests/tools/test_doctor_command.py."""
    places = staged(tmp_path)
    write_choices(places.settings / FILE, Choices())
    found = checkup.machine_findings(places, time.time(), synchronised=True)
    assert [finding.what for finding in found] == [
        "versions", "SQLite", "disk wear", "broker", "real-time clock", "backup", "duty tonight",
    ]  # fmt: skip
    for finding in found:
        assert finding.text
        assert bool(finding.next_step) is (finding.health is not Health.OK), finding
