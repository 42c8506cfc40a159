"""The signature and the manifest of an update, judged by the node's own code in MicroPython."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tools.update import signing
from tools.update.bundle import Manifest

SHIMS = Path(__file__).parents[3] / "hardware" / "virtual" / "shims"
NOW_S = 1_800_000_000
GOOD = Manifest(7, "0.2.0", ("heltec-v3", "lilygo-t3s3"), 1, NOW_S + 86_400, 90_000, "ab" * 32)
SCRIPT = """
import json, sys
from binascii import unhexlify
from node import update
asked = json.loads(sys.stdin.readline())
try:
    manifest = update.read(unhexlify(asked["raw"]), asked["trust"])
    update.check(manifest, asked["trust"], asked["number"], asked["bad"], asked["now_s"])
    print("taken", manifest["version"])
except update.Refused as refused:
    print("refused:", refused)
"""


@cache
def key(n: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)


def signed(manifest: Manifest, by: int = 1) -> bytes:
    return manifest.message() + signing.sign(manifest.message(), key(by))


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]


@pytest.fixture
def judge(micropython: Callable[..., str]) -> Callable[..., str]:
    def ask(raw: bytes, number: int = 6, bad: int = 0, now_s: int | None = NOW_S) -> str:
        keys = [signing.public_of(key(1)), signing.public_of(key(2))]
        trust = {"board": "heltec-v3", "hardware": 1, "keys": keys}
        asked = {"raw": raw.hex(), "trust": trust, "number": number, "bad": bad, "now_s": now_s}
        return micropython(SCRIPT, stdin=json.dumps(asked) + "\n").strip()

    return ask


@pytest.mark.parametrize("by", [1, 2])
def test_either_key_is_good(judge: Callable[..., str], by: int) -> None:
    assert judge(signed(GOOD, by)) == "taken 0.2.0"


def test_a_full_image_may_be_larger(judge: Callable[..., str]) -> None:
    assert judge(signed(replace(GOOD, size=1_700_000, full=True))) == "taken 0.2.0"


def test_a_full_image_is_refused_by_a_board_with_one_partition(micropython: Callable[..., str]) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(SHIMS)!r})
from _partitions import Table, partition_of
class esp32:
    Partition = partition_of(Table(None, [("factory", 16, 496)]))
sys.modules["esp32"] = esp32
from node import image, update
try:
    image.spare({{"size": 1000}})
except update.Refused as refused:
    print("refused:", refused)
"""
    assert micropython(script).strip() == (
        "refused: this board has no second partition for programs: full images go onto it by cable"
    )


@pytest.mark.parametrize(
    ("manifest", "number", "words"),
    [
        (GOOD, 9, "it is older (7) than what runs here (9)"),
        (replace(GOOD, expires=NOW_S - 7200), 6, "it expired 2 h ago"),
        (replace(GOOD, boards=("esp32-han",)), 6, "it is for esp32-han, this is heltec-v3"),
        (replace(GOOD, hardware=2), 6, "it needs hardware 2, this is 1"),
        (replace(GOOD, size=10**7), 6, "it is 10000000 bytes, 600000 are allowed"),
    ],
)
def test_signed_but_not_for_here(
    judge: Callable[..., str], manifest: Manifest, number: int, words: str
) -> None:
    assert judge(signed(manifest), number) == "refused: " + words


@pytest.mark.parametrize("at", [8, 40, -1, -384])
def test_one_bit_is_enough(judge: Callable[..., str], at: int) -> None:
    raw = signed(GOOD)
    assert judge(flipped(raw, at % len(raw))).startswith("refused: its signature does not fit")


def test_unsigned_and_by_a_stranger(judge: Callable[..., str]) -> None:
    assert judge(GOOD.message()) == "refused: it is not signed"
    assert judge(signed(GOOD, by=3)).startswith("refused: its signature does not fit")
    assert judge(signed(GOOD)[:-1]).startswith("refused: its signature does not fit")
    assert judge(b"") == judge(b"SNU1\xff\xff{}") == "refused: this is no manifest"


def test_one_that_failed_here_is_not_tried_again(judge: Callable[..., str]) -> None:
    assert judge(signed(GOOD), bad=7) == "refused: 7 has been tried here and did not prove itself"


def test_without_the_time_nothing_is_taken(judge: Callable[..., str]) -> None:
    assert "does not know the time" in judge(signed(GOOD), now_s=None)
