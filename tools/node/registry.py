"""The registry of hardware: which board is which node, how far it has come, and who did what.

nodes.json in the gateway's state directory, beside the keys but without any secret:

    {"nodes": {"11": {"hardware": [{"mac": "0242...", "chip": "esp32", "board": "heltec-v3",
                                    "since": "2026-11-24T10:00:00Z", "until": null}],
                      "stage": "shelved", "settings": "1f2e3d4c", "firmware": "0.1.0", "photo": null}}}

audit.jsonl has one line for each thing done to a node: when, who, what, which node, which board.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway import audit
from tools.node.trouble import Trouble

# How far a node has come; each stage includes those before.
STAGES = ("started", "keyed", "copied", "tested", "labelled", "shelved", "commissioned")


@dataclass(slots=True)
class Hardware:
    """One board that is, or was, a node. Times are UTC in ISO 8601."""

    mac: str
    chip: str
    board: str
    since: str
    until: str | None = None


@dataclass(slots=True)
class Entry:
    """One node."""

    hardware: list[Hardware] = field(default_factory=list)
    stage: str = ""
    settings: str = ""  # the hash it has to report
    firmware: str = ""

    @property
    def current(self) -> Hardware | None:
        """The board that is this node now."""
        return next((one for one in self.hardware if one.until is None), None)

    def reached(self, stage: str) -> bool:
        """Whether it has come that far."""
        return self.stage in STAGES and STAGES.index(self.stage) >= STAGES.index(stage)


def utc_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def there(state: Path) -> Path:
    """Return a state directory. Raises Trouble where there is none.

    A misspelt one, made on the way, would draw keys that no gateway knows.
    """
    if not state.is_dir():
        raise Trouble("no_state", state=state)
    return state


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Keep other commands out of a state directory: registry, keys and credentials are each written whole.

    A second one would take back what the first has added. Raises Trouble.
    """
    folder = os.open(there(state), os.O_RDONLY)  # gone with this process, whatever becomes of it
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Trouble("state_busy", state=state) from error
        yield
    finally:
        os.close(folder)


class Registry:
    """The registry in a state directory; each change is on disk before the next thing happens.

    Raises Trouble where it can not be read, PermissionError where this user may not.
    """

    def __init__(self, state: Path, now: Callable[[], str] = utc_now) -> None:
        self._path = state / "nodes.json"
        self._audit = state / "audit.jsonl"
        self._now = now
        self.lock = threading.RLock()  # several boards may be made at the same time
        self.nodes = _read(self._path)

    def entry(self, node: int) -> Entry:
        """Return the entry of a node, a fresh one if there was none."""
        with self.lock:
            return self.nodes.setdefault(node, Entry())

    def node_of(self, mac: str) -> int | None:
        """Return which node a board is, None if it is none."""
        for node, entry in self.nodes.items():
            if entry.current and entry.current.mac == mac:
                return node
        return None

    def begin(self, node: int, mac: str, chip: str, board: str) -> None:
        """This board becomes that node; a board that was it before is retired. Raises OSError."""
        with self.lock:
            entry = self.entry(node)
            if entry.current and entry.current.mac == mac:
                return
            if entry.current:
                entry.current.until = self._now()
            entry.hardware.append(Hardware(mac, chip, board, self._now()))
            entry.stage = STAGES[0]
            self._save("begun", node, mac)

    def advance(self, node: int, stage: str, **also: str) -> None:
        """The node has reached a stage; `also` are fields of its entry. Raises OSError."""
        with self.lock:
            entry = self.entry(node)
            for name, value in also.items():
                setattr(entry, name, value)
            if not entry.reached(stage):
                entry.stage = stage
            self._save(stage, node, entry.current.mac if entry.current else "")

    def forget(self, node: int) -> None:
        """Nothing is this node any more; which boards were stays known. Raises OSError."""
        entry = self.entry(node)
        mac = entry.current.mac if entry.current else ""
        if entry.current:
            entry.current.until = self._now()
        entry.stage = "forgotten"
        self._save("forgotten", node, mac)

    def rotated(self, node: int, settings: str) -> None:
        """The node has another key and password, and settings with this hash. Raises OSError."""
        entry = self.entry(node)
        entry.settings = settings
        self._save("rotated", node, entry.current.mac if entry.current else "")

    def note(self, did: str, node: int | None, mac: str = "") -> None:
        """Add a line to the audit log. Raises OSError."""
        line = {"at": self._now(), "who": audit.who(), "did": did, "node": node, "mac": mac}
        audit.add(self._audit, json.dumps(line))

    def _save(self, did: str, node: int, mac: str) -> None:
        text = json.dumps({"nodes": {str(n): asdict(e) for n, e in sorted(self.nodes.items())}}, indent=1)
        replace(self._path, text + "\n", 0o644)
        self.note(did, node, mac)


def replace(path: Path, text: str, mode: int) -> None:
    """Replace a file as a whole, safe on disk on return. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as stream:
        if os.geteuid() == 0:  # a command given with sudo leaves it to who owns the folder
            owner = path.parent.stat()
            os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
        os.fchmod(stream.fileno(), mode)  # whatever the umask
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[int, Entry]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise Trouble("registry", path=path, detail=str(error)) from error
    try:
        return {int(name): _entry(raw) for name, raw in found["nodes"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Trouble("registry", path=path, detail=repr(error)) from error


def _entry(raw: dict[str, Any]) -> Entry:
    return Entry(**{**raw, "hardware": [Hardware(**one) for one in raw["hardware"]]})
