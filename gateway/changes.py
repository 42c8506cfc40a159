"""What is different between two settings files, in the fewest bytes that a token's grain allows. Pure."""

import hashlib
import re
from difflib import SequenceMatcher

from wire.changes import HASH_SIZE, put_step

_TOKENS = re.compile(rb"[^,:{}\[\]]+|[,:{}\[\]]")  # of compact JSON


def digest(content: bytes) -> bytes:
    """Return the 4 bytes by which settings, or changes on their way, are named."""
    return hashlib.sha256(content).digest()[:HASH_SIZE]


def changes(old: bytes, new: bytes) -> bytes:
    """Return what makes `new` out of `old`, as wire/changes.py says."""
    before, after = _TOKENS.findall(old), _TOKENS.findall(new)
    out = bytearray(digest(old) + digest(new))
    copy = 0
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        size = sum(map(len, before[a:b]))
        if tag == "equal":
            copy = size
        else:
            put_step(out, copy, size, b"".join(after[c:d]))
            copy = 0
    return bytes(out)
