"""`./run screenshots`: what is photographed, and how the camera is told."""

from pathlib import Path

import pytest

from tools import screenshots
from tools.screenshots import ALL, PICTURES, main


def test_pictures_have_different_names_and_fill_their_blanks() -> None:
    assert len({picture.name for picture in ALL}) == len(ALL)
    for picture in ALL:
        path = picture.path.format(intake=11, building="radhuset")
        assert path.startswith("/")
        assert "{" not in path


def test_phone_desktop_and_wall_both_languages_and_themes() -> None:
    assert {picture.width for picture in ALL} >= {390, 1280, 1920}
    assert {picture.dark for picture in ALL} == {True, False}
    assert all(f"lang={language}" in "".join(p.path for p in ALL) for language in ("nb", "en"))


def test_they_go_to_the_docs() -> None:
    assert PICTURES.parts[-2:] == ("docs", "pictures")


def test_a_missing_browser_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(screenshots, "CHROMIUM", tmp_path / "chromium")
    assert main(["--to", str(tmp_path)]) == 1
    assert "sudo apt-get install chromium" in capsys.readouterr().err
