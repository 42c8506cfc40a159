"""A bundle may be sent to anybody: nothing secret is in it, wherever it came from."""

import json
import tarfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126) | st.sampled_from("æøåÆØÅ é€")
# WPA2 asks for 8 characters at least; a name's or word's chance to stand in a text by itself is past that.
WORDS = st.text(PRINTABLE, min_size=8, max_size=40).map(str.strip).filter(lambda word: len(word) >= 8)
PHONES = st.from_regex(r"\+47[49][0-9]{7}", fullmatch=True)


class Secrets(NamedTuple):
    key: bytes
    broker: str
    wifi: str
    influx: str
    mail: str
    person: str
    phone: str

    @property
    def texts(self) -> list[str]:
        return [self.key.hex(), self.broker, self.wifi, self.influx, self.mail, self.person, self.phone]


SECRETS = st.builds(
    Secrets,
    key=st.binary(min_size=16, max_size=16),
    broker=st.binary(min_size=16, max_size=16).map(lambda raw: b64encode(raw).decode()),
    wifi=WORDS,
    influx=WORDS,
    mail=WORDS,
    person=st.sampled_from(["Kari Nordmann", "Åse Ødegård", "Jan Erik Li"]),
    phone=PHONES,
)


@settings(max_examples=60, deadline=None)
@given(SECRETS, st.sampled_from([str, repr, json.dumps, quote, lambda word: f"mailtos://{word}@smtp.no"]))
def test_whatever_they_are_and_wherever_they_are_said(secret: Secrets, said: Callable[[str], str]) -> None:
    with TemporaryDirectory() as folder:
        places = staged(Path(folder) / "root")
        write_choices(places.settings / FILE, Choices())
        write_keys(places.data / "keys.json", {11: secret.key})
        (places.data / "broker.json").write_text(json.dumps({"users": {"n11": secret.broker}}))
        network = {"broker": {"host": "10.0.0.5"}, "wifi": {"ssid": "nodes", "password": secret.wifi}}
        (places.data / "network.yaml").write_text(json.dumps(network))
        channels = {"channels": [{"recipient": "duty", "url": secret.mail}], "rota": "rota.csv"}
        (places.data / "channels.yaml").write_text(json.dumps(channels, ensure_ascii=False))
        (places.data / "rota.csv").write_text(
            f"begin;end;recipient;person;phone\n1;2;duty;{secret.person};{secret.phone}\n"
        )
        (places.secrets / "influx").write_text(secret.influx + "\n")
        journal = "\n".join(f"failed with {said(text)} at 10.0.0.5" for text in secret.texts)
        report = {"findings": [f"{text} is on duty" for text in secret.texts]}
        file = Path(folder) / "bundle.tar.gz"
        write_bundle(file, places, report, said=lambda *words: journal if words[0] == "journalctl" else "")
        with tarfile.open(file) as archive:
            streams = [archive.extractfile(name) for name in archive.getnames()[:4]]
            content = "\n".join(stream.read().decode() for stream in streams if stream is not None)
    for text in secret.texts:
        assert text not in content
        assert said(text) not in content
        assert said(text).strip("\"'") not in content
    assert content.count("at 10.0.0.5") == len(secret.texts), "the rest stays readable"


def test_a_damaged_file_of_secrets_gives_none_away(places: Places, tmp_path: Path) -> None:
    (places.data / "broker.json").write_text('{"users": {"n11": "a-password-of-a-node"')
    report = {"findings": ["a-password-of-a-node"]}
    write_bundle(tmp_path / "b.tar.gz", places, report, said=lambda *_: "")
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        stream = archive.extractfile("doctor.json")
        assert stream is not None
        assert b"a-password" not in stream.read()
