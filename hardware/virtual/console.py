"""What a board printed: the last part in memory, all of it in a file."""

from collections.abc import Callable
from pathlib import Path

_KEPT = 65536


class Console:
    """`heard` is called after each piece of output. A `listener` gets what the board itself prints."""

    def __init__(self, path: Path, heard: Callable[[], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._heard = heard
        self._tail = bytearray()
        self.listener: Callable[[bytes], None] | None = None

    def write(self, content: bytes) -> None:
        if self.listener:
            self.listener(content)
        self._keep(content)

    def _keep(self, content: bytes) -> None:
        self._file.write(content)
        self._tail += content
        del self._tail[:-_KEPT]
        self._heard()

    def note(self, text: str) -> None:
        """A line of the board host's own, between what the firmware printed."""
        start = "" if not self._tail or self._tail.endswith(b"\n") else "\n"
        self._keep(f"{start}--- {text}\n".encode())

    def text(self) -> str:
        """The last 64 KB, with plain line ends."""
        return self._tail.decode(errors="replace").replace("\r\n", "\n")

    def close(self) -> None:
        self._file.close()
