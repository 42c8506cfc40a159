"""Power cuts at every operation of a node's flash: it takes three updates in a row, then four full images.

Full length: four rounds with programs of their own; each operation is cut twice, whole and torn, and a fifth
of the starts on what is left are cut again. Then the five manifests that no node may take, each refused in
its own words.
"""

import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.firmware.image_cuts import cut_images
from tests.firmware.interpreter import run_on_micropython
from tests.firmware.update_cuts import cut_updates
from tests.soak.tally import Tally
from tools.update import signing
from tools.update.bundle import Manifest

ROUNDS = 4
NOW_S = 1_800_000_000
BOARD = "heltec-v3"
GOOD = Manifest(7, "0.2.0", (BOARD,), 1, NOW_S + 86_400, 90_000, "ab" * 32)
JUDGE = """
import json, sys
from binascii import unhexlify
from node import update
asked = json.loads(sys.stdin.readline())
for raw in asked["raw"]:
    try:
        update.check(update.read(unhexlify(raw), asked["trust"]), asked["trust"], 7, 0, asked["now_s"])
        print("taken")
    except update.Refused as refused:
        print(refused)
"""
WORDS = (
    "taken",
    "it is older (6) than what runs here (7)",
    "it expired 2 h ago",
    "it is for esp32-han, this is heltec-v3",
    "its signature does not fit: changed after signing, or by a key this node does not know",
    "it is not signed",
)


def run(tally: Tally) -> None:
    for name in ("operations", "power_cuts", "refusals"):
        tally.add(name, 0)
    for seed in tally.rounds(ROUNDS):
        with tally.run(seed):
            for cut in (cut_updates, cut_images):
                found = cut(seed)
                tally.add("operations", found.operations)
                tally.add("power_cuts", found.cuts)
                assert found.cuts == 2 * found.operations
                assert not found.failures, "; ".join(found.failures[:5])
            refuse_five(tally)


def refuse_five(tally: Tally) -> None:
    """Raise AssertionError where the node takes one of the five, or says something else of it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)

    def signed(**changes: Any) -> bytes:
        message = replace(GOOD, **changes).message()
        return message + signing.sign(message, key)

    flipped = bytearray(signed())
    flipped[20] ^= 4
    raws = [
        signed(),
        signed(number=6),
        signed(expires=NOW_S - 7200),
        signed(boards=("esp32-han",)),
        bytes(flipped),
        GOOD.message(),
    ]
    trust = {"board": BOARD, "hardware": 1, "keys": [signing.public_of(key)]}
    asked = json.dumps({"raw": [raw.hex() for raw in raws], "trust": trust, "now_s": NOW_S})
    said = run_on_micropython(JUDGE, stdin=asked + "\n").splitlines()
    assert said == list(WORDS), said
    tally.add("refusals", len(WORDS) - 1)
