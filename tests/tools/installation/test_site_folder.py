import shutil
from pathlib import Path

import pytest

from tests.tools.installation.staged import SITE, SITE_ID, staged
from tools.installation import site_folder
from tools.installation.places import InstallError, Places


def test_taken_put_back_and_kept(tmp_path: Path) -> None:
    places = staged(tmp_path)
    (places.site / "mark").write_text("before")
    site_folder.take(places, SITE, SITE_ID)
    assert not (places.site / "mark").exists()
    site_folder.put_back(places)
    assert (places.site / "mark").read_text() == "before"
    site_folder.put_back(places)  # nothing was taken
    assert (places.site / "mark").exists()
    site_folder.take(places, SITE, SITE_ID)
    site_folder.keep(places)
    site_folder.put_back(places)
    assert not (places.site / "mark").exists()
    assert {path.name for path in places.settings.glob("sites*")} == {"sites"}


def test_the_gateways_user_can_read_it_whoever_owned_it_before(tmp_path: Path) -> None:
    places = staged(tmp_path)
    private = tmp_path / "private"
    shutil.copytree(SITE, private)
    (private / "site.yaml").chmod(0o600)
    private.chmod(0o700)
    site_folder.take(places, private, SITE_ID)
    for path in [places.sites, places.site, *places.site.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_a_machine_has_one_site(tmp_path: Path) -> None:
    places = staged(tmp_path)
    (places.sites / "other").mkdir()
    with pytest.raises(InstallError, match="there are 2"):
        _ = places.site
    with pytest.raises(InstallError, match="there are 0"):
        _ = Places(tmp_path / "none").site
