"""From version to version, with the way back. systemd and the judgement of health are stood in for here;
the soak test `machine` does the same with both real."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from device_configs.problem import ConfigError
from gateway.store import Reader
from gateway.store.migrations import MIGRATIONS
from gateway.store.opening import open_database
from tests.tools.installation.staged import SITE, SITE_ID, staged
from tools.installation import accounts, databases, units
from tools.installation.choices import FILE, Choices, Influx, read_choices, write_choices
from tools.installation.places import InstallError, Places
from tools.installation.removal import uninstall
from tools.installation.switching import COPY, NOT_TAKEN, Switch


class Recorded:
    """Services that only remember what they were told; `current` at each start is remembered too."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.said: list[tuple[str, ...]] = []
        self.started: list[str] = []

    def enable(self, units: Sequence[str]) -> None:
        self.said.append(("enable", *units))

    def disable(self, units: Sequence[str]) -> None:
        self.said.append(("disable", *units))

    def start(self, units: Sequence[str]) -> bool:
        self.said.append(("start", *units))
        self.started.append(self.places.current.resolve().name)
        return True

    def stop(self, units: Sequence[str]) -> None:
        self.said.append(("stop", *units))

    def log(self, unit: str) -> str:
        return f"last words of {unit}"

    def forget(self) -> None:
        self.said.append(("forget",))


class Machine:
    def __init__(self, root: Path) -> None:
        self.places = staged(root)
        shutil.rmtree(self.places.sites)
        self.services = Recorded(self.places)
        self.verdicts: list[str] = []
        self.said: list[str] = []
        self.switch = Switch(
            self.places,
            self.services,
            lambda _: self.verdicts.pop(0) if self.verdicts else "",
            self.said.append,
        )

    def version(self, name: str) -> Path:
        (self.places.versions / name).mkdir()
        return self.places.versions / name

    def install(self, choices: Choices | None = None) -> None:
        choices = choices or Choices()
        write_choices(self.places.settings / FILE, choices)
        self.switch.to(self.version("1"), choices, SITE)

    def upgrade(self, name: str, site: Path | None = None) -> None:
        choices = read_choices(self.places.settings / FILE)
        self.switch.to(self.version(name), choices, site)

    def versions(self) -> set[str]:
        return {path.name for path in self.places.versions.iterdir()}

    def files(self) -> dict[str, bytes]:
        """Return what the installation wrote into the system's own folders, and the settings."""
        etc = self.places.inside("/etc")
        skipped = {"server.pem", "server.key", FILE}
        return {
            str(path): path.read_bytes() for path in sorted(etc.rglob("*")) if path.is_file()
            if path.name not in skipped
        }  # fmt: skip


def plain_folders(places: Places) -> None:
    """What systemd-tmpfiles would do, for a test that has no root rights."""
    for folder in (places.settings / "access", places.data / "broker"):
        folder.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    if os.geteuid() != 0 or not shutil.which("systemd-sysusers"):
        monkeypatch.setattr(accounts, "make_users", lambda places: None)
        monkeypatch.setattr(accounts, "make_folders", plain_folders)
        monkeypatch.setattr(accounts, "remove_users", lambda places: None)
    return Machine(tmp_path)


def test_the_first_version(machine: Machine) -> None:
    machine.install()
    places = machine.places
    assert machine.services.started == ["1"]
    assert os.readlink(places.current) == "versions/1"  # noqa: PTH115 - the link itself
    assert places.site.name == SITE_ID
    assert (places.units / units.GATEWAY).exists()
    assert (places.data / "keys.json").stat().st_mode & 0o777 == 0o600
    assert ("enable", units.BROKER, units.GATEWAY, *units.WATCHERS) in machine.services.said
    assert ("disable", *units.OPTIONAL) in machine.services.said


def test_an_upgrade_keeps_the_version_before_and_no_others(machine: Machine) -> None:
    machine.install()
    secret = (machine.places.secrets / "broker").read_text()
    for name in ("2", "3"):
        machine.upgrade(name)
    assert machine.services.started == ["1", "2", "3"]
    assert machine.versions() == {"2", "3"}
    assert (machine.places.secrets / "broker").read_text() == secret


def test_one_that_is_not_well_is_taken_back_with_all_it_brought(machine: Machine, tmp_path: Path) -> None:
    machine.install()
    before = machine.files()
    site = tmp_path / SITE_ID
    shutil.copytree(SITE, site)
    (site / "site.yaml").write_text((site / "site.yaml").read_text() + "# changed\n")
    write_choices(
        machine.places.settings / FILE, Choices(page="0.0.0.0:80", influx=Influx(url="http://db:1"))
    )
    machine.verdicts = ["nobody answers", ""]
    with pytest.raises(InstallError, match="nobody answers") as caught:
        machine.upgrade("2", site)
    assert "The version before runs again." in str(caught.value)
    assert f"last words of {units.GATEWAY}" in str(caught.value)
    assert machine.services.started == ["1", "2", "1"]
    assert machine.files() == before
    assert ("start", units.BROKER, units.GATEWAY, *units.WATCHERS) == machine.services.said[-1]
    machine.upgrade("3", site)
    assert "# changed" in (machine.places.site / "site.yaml").read_text()


def test_where_both_are_not_well_that_is_said(machine: Machine) -> None:
    machine.install()
    machine.verdicts = ["nobody answers", "the disk is full"]
    with pytest.raises(InstallError, match="not well either: the disk is full"):
        machine.upgrade("2")


def test_a_first_version_that_is_not_well_stays_to_be_looked_at(machine: Machine) -> None:
    machine.verdicts = ["the gateway does not reach its broker"]
    with pytest.raises(InstallError, match="installed, but it is not well"):
        machine.install()
    assert machine.services.started == ["1"]


def test_a_site_with_a_mistake_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    machine.install()
    before, said = machine.files(), list(machine.services.said)
    site = tmp_path / SITE_ID
    shutil.copytree(SITE, site)
    (site / "nodes.yaml").write_text("nodes: 7\n")
    with pytest.raises(ConfigError):
        machine.upgrade("2", site)
    assert (machine.files(), machine.services.said) == (before, said)


def test_data_that_is_not_where_it_is_said_to_be_stops_an_upgrade(machine: Machine) -> None:
    machine.install()
    (machine.places.data / "keys.json").unlink()
    with pytest.raises(InstallError, match="data is not there"):
        machine.upgrade("2")
    assert machine.services.started == ["1"]


def test_a_store_of_another_schema_is_copied_first_and_put_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.install()
    path = machine.places.data / "store.db"
    open_database(path, lambda: 0).db.close()
    before = store_id(path)
    monkeypatch.setattr(databases, "MIGRATIONS", (*MIGRATIONS, ("of the new version", "")))

    def healthy(_: bool) -> str:
        """The version that was started opens the store; the new one changes its schema, too."""
        db = open_database(path, lambda: 0).db
        if verdicts == ["it stops", ""]:
            db.execute("INSERT INTO migrations VALUES (99, 'of the new version', 0)")
        db.close()
        return verdicts.pop(0)

    verdicts = ["it stops", ""]
    switch = Switch(machine.places, machine.services, healthy, machine.said.append)
    with pytest.raises(InstallError, match=r"it stops(.|\n)*runs again"):
        switch.to(machine.version("2"), Choices(), None)
    assert newest_migration(path) == len(MIGRATIONS)
    assert newest_migration(machine.places.data / NOT_TAKEN) == 99
    assert not (machine.places.data / COPY).exists()
    assert any(NOT_TAKEN in line for line in machine.said)
    # How often it was opened stayed beside it: it knows itself for an older copy, and took a new id.
    assert store_id(path) != before


def newest_migration(path: Path) -> int:
    db = apsw.Connection(str(path))
    try:
        newest: int = db.execute("SELECT max(version) FROM migrations").get
        return newest
    finally:
        db.close()


def store_id(path: Path) -> bytes:
    with Reader.open(path) as reader:
        return reader.store_id


def test_uninstall_keeps_what_cannot_be_made_again(machine: Machine) -> None:
    machine.install()
    kept = [machine.places.data / "keys.json", machine.places.authority / "ca.key", machine.places.site]
    uninstall(machine.places, machine.services, purge=False, say=machine.said.append)
    assert all(path.exists() for path in kept)
    assert not machine.places.program.exists()
    assert list(machine.places.units.glob("*sensornett*")) == []
    assert any("--purge" in said for said in machine.said)
    assert machine.services.said[-1] == ("forget",)


def test_purge_leaves_nothing_behind(machine: Machine, tmp_path: Path) -> None:
    machine.install(Choices(bridge="/dev/ttyUSB0"))
    uninstall(machine.places, machine.services, purge=True, say=machine.said.append)
    left = [path for path in tmp_path.rglob("*") if "sensornett" in path.name]
    assert left == []
    assert not (tmp_path / "etc/sysusers.d").exists()
    for file in tmp_path.glob("etc/*"):
        if file.is_file() and not file.name.endswith("-"):
            assert "sensornett" not in file.read_text()
