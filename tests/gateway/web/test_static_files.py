"""Style and script: their address changes with them."""

from gateway.web.static_files import FOLDER, fingerprint


def test_the_fingerprint_is_of_all_files() -> None:
    assert len(fingerprint()) == 12
    assert fingerprint() == fingerprint()
    assert {"page.css", "page.js", "work.css"} <= {file.name for file in FOLDER.iterdir()}
