"""Style and script: their address changes with them."""

import json

from gateway.web.static_files import FOLDER, fingerprint


def test_the_fingerprint_is_of_all_files() -> None:
    assert len(fingerprint()) == 12
    assert fingerprint() == fingerprint()
    assert {"page.css", "page.js", "work.css"} <= {file.name for file in FOLDER.iterdir()}


def test_what_is_kept_of_npm_is_what_is_locked_with_its_licence() -> None:
    lock = json.loads((FOLDER.parent / "package-lock.json").read_text())["packages"]["node_modules/uplot"]
    asked = json.loads((FOLDER.parent / "package.json").read_text())["dependencies"]["uplot"]
    assert asked == lock["version"]
    assert lock["integrity"].startswith("sha512-")
    vendor = FOLDER / "vendor"
    assert f"(v{lock['version']})" in (vendor / "uPlot.iife.min.js").read_text().partition("\n")[0]
    assert ".u-over" in (vendor / "uPlot.min.css").read_text()
    assert "MIT License" in (vendor / "uPlot.LICENSE.txt").read_text()
