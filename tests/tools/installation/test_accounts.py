"""Users and owners by systemd's own tools, in a root that has no users of its own yet."""

import os
import shutil
from pathlib import Path

import pytest

from tools.installation import accounts, units
from tools.installation.choices import Choices
from tools.installation.places import InstallError, Places

able = os.geteuid() == 0 and shutil.which("systemd-sysusers") and shutil.which("systemd-tmpfiles")
pytestmark = pytest.mark.skipif(not able, reason="needs root rights and systemd's tools")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path)
    units.write(found, units.files(Choices(), "here"))
    accounts.make_users(found)
    return found


def ids(places: Places, file: str) -> dict[str, int]:
    lines = places.inside(f"/etc/{file}").read_text().splitlines()
    return {line.split(":")[0]: int(line.split(":")[2]) for line in lines}


def test_each_part_has_its_owner(places: Places) -> None:
    accounts.make_folders(places)
    users, groups = ids(places, "passwd"), ids(places, "group")
    data, access = places.data.stat(), (places.data / "broker").stat()
    assert (data.st_uid, data.st_mode & 0o7777) == (users["sensornett"], 0o700)
    assert (access.st_uid, access.st_gid) == (users["sensornett"], groups["sensornett-broker"])
    assert access.st_mode & 0o7777 == 0o2750
    for folder in (places.secrets, places.authority):
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o7777) == (0, 0o700)


def test_what_root_wrote_is_given_to_the_gateway(places: Places) -> None:
    accounts.make_folders(places)
    (places.data / "store.db").touch()
    (places.data / "broker" / "passwords").touch()
    outside = places.root / "outside"
    outside.touch()
    (places.data / "link").symlink_to(outside)
    accounts.make_folders(places)
    user, group = ids(places, "passwd")["sensornett"], ids(places, "group")["sensornett-broker"]
    assert (places.data / "store.db").stat().st_uid == user
    assert (places.data / "broker" / "passwords").stat().st_gid == group
    assert outside.stat().st_uid == 0  # a link is not followed


def test_they_can_be_made_again_and_removed(places: Places) -> None:
    accounts.make_users(places)
    accounts.remove_users(places)
    for file in ("passwd", "group", "shadow"):
        assert "sensornett" not in places.inside(f"/etc/{file}").read_text()
    accounts.remove_users(places)


def test_what_the_tools_say_is_passed_on(places: Places) -> None:
    places.inside(units.TMPFILES).write_text("d /x 0755 nobody-like-that root\n")
    with pytest.raises(InstallError, match="systemd-tmpfiles"):
        accounts.make_folders(places)
