"""Non-volatile storage: what was not committed is gone when the program ends, however it ends."""

import json
from pathlib import Path

NOT_FOUND = (-0x1102, "ESP_ERR_NVS_NOT_FOUND")
TYPE_MISMATCH = (-0x1103, "ESP_ERR_NVS_TYPE_MISMATCH")
KEY_TOO_LONG = (-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
_LONGEST_KEY = 15

_Entry = tuple[str, bytes]  # "i" for i32, "b" for a blob


class Nvs:
    """Entries by (namespace, key), kept in a JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._committed: dict[tuple[str, str], _Entry] = {}
        if path.exists():
            for namespace, key, kind, content in json.loads(path.read_text()):
                self._committed[namespace, key] = (kind, bytes.fromhex(content))
        self._entries = dict(self._committed)

    def get(self, request: bytes) -> bytes:
        """`request`: kind byte, namespace, NUL, key, NUL. Raises OSError as the ESP32 does."""
        kind, name, _ = _parse(request)
        if name not in self._entries:
            raise OSError(*NOT_FOUND)
        stored, content = self._entries[name]
        if stored != kind:
            raise OSError(*TYPE_MISMATCH)
        return content

    def set(self, request: bytes) -> None:
        kind, name, content = _parse(request)
        if len(name[1]) > _LONGEST_KEY:
            raise OSError(*KEY_TOO_LONG)
        self._entries[name] = (kind, content)

    def erase(self, request: bytes) -> None:
        _, name, _ = _parse(request)
        if self._entries.pop(name, None) is None:
            raise OSError(*NOT_FOUND)

    def commit(self) -> None:
        self._committed = dict(self._entries)
        rows = [[*name, kind, content.hex()] for name, (kind, content) in sorted(self._committed.items())]
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(rows))
        fresh.replace(self._path)

    def drop_uncommitted(self) -> None:
        self._entries = dict(self._committed)


def _parse(request: bytes) -> tuple[str, tuple[str, str], bytes]:
    namespace, key, content = request[1:].split(b"\0", 2)
    return chr(request[0]), (namespace.decode(), key.decode()), content
