"""Changes: the new content of a file, told by what is different from the old one. Pure; SPEC.md section 5.

Eight bytes, the first four of the SHA-256 of the old content and of the new, then steps: uvarint how many
bytes to copy from the old content, uvarint how many of it to leave out then, uvarint how many bytes come
instead, and these. What is left of the old content after the last step is copied.
"""

from wire.encoding import put_uvarint, take_uvarint
from wire.frame import FrameError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator

HASH_SIZE = 4
HEAD_SIZE = 2 * HASH_SIZE


def put_step(out: bytearray, copy: int, skip: int, instead: bytes) -> None:
    """Append a step to `out`."""
    put_uvarint(out, copy)
    put_uvarint(out, skip)
    put_uvarint(out, len(instead))
    out += instead


def parts(changes: bytes, old_size: int) -> "Iterator[tuple[int, int] | bytes]":
    """Yield the new content in order: (offset, size) of the old one, which has `old_size` bytes, or bytes.

    Raises FrameError where the changes do not fit.
    """
    at, taken = HEAD_SIZE, 0
    while at < len(changes):
        copy, at = take_uvarint(changes, at)
        skip, at = take_uvarint(changes, at)
        size, at = take_uvarint(changes, at)
        if at + size > len(changes) or taken + copy + skip > old_size:
            raise FrameError("changes of another content")
        if copy:
            yield taken, copy
        taken += copy + skip
        if size:
            yield changes[at : at + size]
        at += size
    if taken < old_size:
        yield taken, old_size - taken
