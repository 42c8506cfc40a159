"""What the doctor sees of a machine: a real broker and its certificate, and wear as the kernel tells it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.installation.staged import InstalledBroker, staged
from tools.finding import Health
from tools.installation import checkup
from tools.installation.authority import make_authority
from tools.installation.choices import FILE, write_choices
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


def test_where_nothing_is_installed_only_versions_are_told(tmp_path: Path) -> None:
    found = checkup.machine_findings(Places(tmp_path), time.time(), synchronised=False)
    assert [finding.what for finding in found if not finding.what.startswith("mmcblk")] == ["versions"]


def test_versions(tmp_path: Path) -> None:
    assert "(checkout), Python 3." in checkup.versions()
    assert "SQLite 3." in checkup.versions()
    assert checkup.versions(tmp_path / "versions" / "0.1.0-12345678").startswith("0.1.0-12345678, ")


@pytest.mark.parametrize(
    ("told", "health", "percent"),
    [("0x01 0x02\n", Health.OK, 20), ("0x09 0x01", Health.WARNING, 90), ("0x0b 0x0b", Health.FAILURE, 110)],
)
def test_wear(tmp_path: Path, told: str, health: Health, percent: int) -> None:
    device = tmp_path / "mmcblk0" / "device"
    device.mkdir(parents=True)
    (device / "life_time").write_text(told)
    (finding,) = checkup._wear(tmp_path)
    assert (finding.what, finding.health) == ("mmcblk0", health)
    assert f"{percent} %" in finding.text


@pytest.mark.parametrize("told", ["", "unknown", "0x00 0x00"])
def test_a_card_that_does_not_tell(tmp_path: Path, told: str) -> None:
    device = tmp_path / "mmcblk0" / "device"
    device.mkdir(parents=True)
    (device / "life_time").write_text(told)
    assert checkup._wear(tmp_path) == []
