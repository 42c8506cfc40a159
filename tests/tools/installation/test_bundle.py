"""A bundle may be sent to anybody: nothing secret is in it, wherever it came from."""

import json
import tarfile
from pathlib import Path

import pytest

from device_configs.keys import write_keys
from tests.tools.installation.staged import SITE_ID, staged
from tools.installation.bundle import HIDDEN, known_secrets, redacted, write_bundle
from tools.installation.choices import FILE, Choices, write_choices
from tools.installation.places import InstallError, Places
from tools.node.credentials import Credentials

KEY = bytes(range(16))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    installed = staged(tmp_path / "root")
    write_choices(installed.settings / FILE, Choices())
    write_keys(installed.data / "keys.json", {11: KEY})
    (installed.secrets / "influx").write_text("tok/en==\n")
    (installed.data / "channels.yaml").write_text("channels: [{recipient: duty, sms: '+4791234567'}]\n")
    return installed


def test_no_secret_is_in_it(places: Places, tmp_path: Path) -> None:
    password = Credentials(places.data, SITE_ID).password(11)
    said = f"n11 with {password}, key {KEY.hex()}, token tok/en==, https://me:pw@db/, +4791234567, a.b@c.no"
    inside = write_bundle(tmp_path / "bundle.tar.gz", places, {"findings": [said]})
    with tarfile.open(tmp_path / "bundle.tar.gz") as archive:
        texts = {name: archive.extractfile(name) for name in archive.getnames()}
        content = {name: stream.read().decode() for name, stream in texts.items() if stream is not None}
    assert list(content) == inside
    everything = "\n".join(content.values())
    for secret in (password, KEY.hex(), "tok/en==", "me:pw", "91234567", "a.b@c.no"):
        assert secret not in everything
    (told,) = json.loads(content["doctor.json"])["findings"]
    assert told == (
        f"n11 with {HIDDEN}, key {HIDDEN}, token {HIDDEN}, https://{HIDDEN}@db/, {HIDDEN}, {HIDDEN}"
    )
    assert "page: 127.0.0.1:8080" in content[FILE]


def test_what_a_helper_needs_stays_readable() -> None:
    text = (
        "2026-11-24 22:12:03 broker_unreachable broker=localhost:8883 store=e51fcd6f0394a507 stored 12345678"
    )
    assert redacted(text, set()) == text


def test_secrets_one_may_not_read_are_no_trouble(tmp_path: Path) -> None:
    assert known_secrets(Places(tmp_path)) == set()


def test_no_file_is_overwritten(places: Places, tmp_path: Path) -> None:
    (tmp_path / "bundle.tar.gz").write_text("mine")
    with pytest.raises(InstallError, match="is there already"):
        write_bundle(tmp_path / "bundle.tar.gz", places, {})
    assert (tmp_path / "bundle.tar.gz").read_text() == "mine"
