"""What is refused at the desk, since nodes would refuse it anyway."""

import time
from functools import cache
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric import rsa

from device_configs.loader import SITES, load_site
from tools.node.registry import Registry
from tools.node.words import Words
from tools.update import signing
from tools.update.bundle import Manifest, manifest_for
from tools.update_offer import fitting, offer_of

BOARD, SNOW = "heltec-v3", 21


@cache
def key(n: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "update-keys").mkdir()
    for n in (1, 2):
        (tmp_path / "update-keys" / f"{n}.pub").write_text(signing.public_of(key(n)) + "\n")
    return tmp_path


def put(folder: Path, by: int | None = 1, days: int = 30, bundle: bytes = b"bundle") -> Path:
    """Put a manifest of b"bundle", signed by that key, beside `bundle`; return its path."""
    expires = round(time.time()) + days * 86_400
    message = manifest_for(b"bundle", 7, "0.2.0", (BOARD,), 1, expires).message()
    signature = b"" if by is None else signing.sign(message, key(by))
    (folder / "7.signed").write_bytes(message + signature)
    (folder / "7.bundle").write_bytes(bundle)
    return folder / "7.signed"


@pytest.mark.parametrize("by", [1, 2])
def test_either_key_is_good(state: Path, by: int) -> None:
    offer = offer_of(put(state, by), state, Words("en"))
    assert (offer.read.number, offer.content) == (7, b"bundle")
    assert offer.signed == (state / "7.signed").read_bytes()


def test_without_keys_here_the_nodes_judge(tmp_path: Path) -> None:
    assert offer_of(put(tmp_path, 3), tmp_path, Words("en")).read.number == 7


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"by": None}, "is not signed"),
        ({"by": 3}, "is signed by none of the keys"),
        ({"days": -1}, "has expired"),
        ({"bundle": b"another"}, "is not the bundle"),
    ],
)
def test_what_nodes_would_refuse(
    state: Path, capsys: pytest.CaptureFixture[str], wrong: dict[str, object], words: str
) -> None:
    with pytest.raises(typer.Exit) as end:
        offer_of(put(state, **wrong), state, Words("en"))  # type: ignore[arg-type]
    assert (end.value.exit_code, words in capsys.readouterr().err) == (5, True)


@pytest.mark.parametrize(
    ("carrier", "asked", "status", "words"),
    [
        ("mqtt", "one", 2, "these are no numbers"),
        ("mqtt", "22", 3, "can not take it: 22. It is for provisioned Wi-Fi nodes on heltec-v3"),
        ("lora", "21", 3, "can not take it: 21. It is for provisioned LoRa nodes on heltec-v3"),
        ("lora", "", 3, "No provisioned LoRa node"),
    ],
)
def test_nodes_that_can_not_take_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], carrier: str, asked: str, status: int, words: str
) -> None:
    site = load_site(SITES / "narvik-demo")
    Registry(tmp_path).begin(SNOW, "aa", "esp32s3", BOARD)
    read = Manifest(7, "0.2.0", (BOARD,), 1, 0, 1, "")
    assert fitting(site, tmp_path, read, "mqtt", "", Words("en")) == [SNOW]
    with pytest.raises(typer.Exit) as end:
        fitting(site, tmp_path, read, carrier, asked, Words("en"))
    assert (end.value.exit_code, words in capsys.readouterr().err) == (status, True)
