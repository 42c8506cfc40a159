"""An update's manifest: what it is for, and whether this node may take it. Pure.

Manifest: b"SNU1", u16 length (little-endian) and that many bytes of JSON, then the signature: RSA-3072,
PKCS#1 v1.5 (RFC 8017, section 8.2.2) over the SHA-256 of everything before it. The JSON: {"number",
"version", "boards", "hardware", "expires" (seconds since 1970), "size", "sha256"} of the bundle, or with
"full": true of a full firmware image.
"""

import hashlib
import json
from binascii import unhexlify

MAGIC = b"SNU1"
SIGNATURE_SIZE = 384
EXPONENT = 65537
SIZE_MAX = 600000
IMAGE_MAX = 8 << 20  # what counts is the partition: see image.py
# DigestInfo of SHA-256 (RFC 8017, section 9.2, note 1)
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


class Refused(Exception):
    """Why this node does not take an update, in words."""


def verify(message, signature, modulus):
    """Whether `signature` of `message` is by the key with this modulus."""
    number = int.from_bytes(signature, "big")
    if len(signature) != SIGNATURE_SIZE or number >= modulus:
        return False
    tail = b"\x00" + _DIGEST_INFO + hashlib.sha256(message).digest()
    wanted = b"\x00\x01" + b"\xff" * (SIGNATURE_SIZE - 2 - len(tail)) + tail
    return pow(number, EXPONENT, modulus).to_bytes(SIGNATURE_SIZE, "big") == wanted


def read(raw, trust):
    """Return the manifest's JSON as a map, once its signature is found to be right. Raises Refused.

    `trust` is {"board", "hardware", "keys": [modulus in hex, ...]}.
    """
    size = int.from_bytes(raw[4:6], "little") + 6
    if raw[:4] != MAGIC or len(raw) < size:
        raise Refused("this is no manifest")
    message, signature = raw[:size], raw[size:]
    if not signature:
        raise Refused("it is not signed")
    for key in trust["keys"]:
        if verify(message, signature, int.from_bytes(unhexlify(key), "big")):
            break
    else:
        raise Refused(
            "its signature does not fit: changed after signing, or by a key this node does not know"
        )
    try:
        return json.loads(message[6:])
    except ValueError:
        raise Refused("this is no manifest")


def check(manifest, trust, number, bad, now_s):
    """Raise Refused where this node may not take it.

    `number` is of the program that runs, `bad` of one that has failed here; `now_s` is UTC, None: not known.
    """
    offered = manifest["number"]
    if trust["board"] not in manifest["boards"]:
        raise Refused("it is for %s, this is %s" % (", ".join(manifest["boards"]), trust["board"]))
    if manifest["hardware"] > trust["hardware"]:
        raise Refused("it needs hardware %d, this is %d" % (manifest["hardware"], trust["hardware"]))
    if offered < number:
        raise Refused("it is older (%d) than what runs here (%d)" % (offered, number))
    if offered == bad:
        raise Refused("%d has been tried here and did not prove itself" % offered)
    if now_s is None:
        raise Refused("this node does not know the time yet, so not whether it has expired")
    if now_s >= manifest["expires"]:
        raise Refused("it expired %d h ago" % ((now_s - manifest["expires"]) // 3600))
    most = IMAGE_MAX if manifest.get("full") else SIZE_MAX
    if not 0 < manifest["size"] <= most:
        raise Refused("it is %d bytes, %d are allowed" % (manifest["size"], most))
