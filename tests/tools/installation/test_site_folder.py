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


def test_a_machine_has_one_site(tmp_path: Path) -> None:
    places = staged(tmp_path)
    (places.sites / "other").mkdir()
    with pytest.raises(InstallError, match="there are 2"):
        _ = places.site
    with pytest.raises(InstallError, match="there are 0"):
        _ = Places(tmp_path / "none").site
