"""What a site sheet needs before its node is commissioned."""

import dataclasses
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from tools.node.sheet import has_photo, sheet_of

DEMO = load_site(SITES / "narvik-demo")


def test_a_site_sheet_needs_height_zero_and_photo(tmp_path: Path) -> None:
    snow = DEMO.node(21)
    assert sheet_of(tmp_path, snow).missing == ["photo"]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "21-mast.JPG").write_bytes(b"")
    assert sheet_of(tmp_path, snow).missing == []
    assert sheet_of(tmp_path, dataclasses.replace(snow, calibration=())).missing == ["zero"]
    assert sheet_of(tmp_path, DEMO.node(31)).missing == ["photo"]


@pytest.mark.parametrize(
    ("name", "is_one"), [("21.png", True), ("21-a.jpeg", True), ("210-a.jpg", False), ("21-notes.txt", False)]
)
def test_photos_by_name(name: str, is_one: bool) -> None:
    assert has_photo(Path(name), 21) is is_one
