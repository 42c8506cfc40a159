"""Work on a board at its prompt, done by mpremote: scripts run there, files copied, digests compared."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tools.node.trouble import Trouble

# A script's result: the one line it prints after this mark.
MARK = "@@ "
_GONE = re.compile(r"Errno [56]\b|Input/output|device disconnected|returned no data|failed to access")
# mpremote waits ten seconds for a byte, by the clock. A computer that stalls has not waited, and all that is
# run here may be run again.
_LATE = re.compile(r"could not (enter raw repl|exec command)|timeout waiting for")
TRIES = 3

PROBE = """
import gc, json, machine, os
gc.collect()
def kept(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return None
def there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False
try:
    settings = json.loads(kept("/settings.json"))
    node, role = settings.get("node"), settings.get("role")
except (TypeError, ValueError, AttributeError):
    node = role = None
try:
    from node.version import FIRMWARE
except ImportError:
    FIRMWARE = None
room = os.statvfs("/")
print("@@ " + json.dumps({
    "mac": "".join(["%02x" % b for b in machine.unique_id()]),
    "machine": os.uname()[4], "release": os.uname()[2], "node": node, "role": role,
    "firmware": FIRMWARE,
    "key": there("/identity") or there("/key.hex"), "shelf": there("/shelf"),
    "free_kb": room[0] * room[3] // 1024,
}))
"""


class Board:
    """The board behind the serial port `path`, which must be at its prompt (`prompt.reach`)."""

    def __init__(self, path: str, timeout_s: float = 120.0) -> None:
        self.path = path
        self._timeout_s = timeout_s

    def probe(self) -> dict[str, Any]:
        """Return its own words: mac, machine, release, node, role, firmware, key, shelf, free_kb."""
        return dict(self.script(PROBE))

    def script(self, source: str) -> Any:
        """Run `source` there and return the JSON it prints after the mark. Raises Trouble."""
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write(source)
            file.flush()
            printed = self._mpremote("run", file.name)
        for line in printed.splitlines():
            if line.startswith(MARK):
                return json.loads(line[len(MARK) :])
        raise Trouble("script_failed", detail=printed, port=self.path)

    def copy(self, files: Mapping[str, bytes]) -> None:
        """Put files on the board, in the order given; those that are there already are left alone.

        They travel as files of this machine, which nobody else can read. Raises Trouble.
        """
        with tempfile.TemporaryDirectory(prefix="sensornett-") as folder:
            made: set[str] = set()
            for name, content in files.items():
                local = Path(folder) / name
                local.parent.mkdir(parents=True, exist_ok=True)
                local.write_bytes(content)
                made |= {str(parent) for parent in Path(name).parents if str(parent) != "."}
            if made:
                self.script(_FOLDERS % sorted(made))
            groups: dict[str, list[str]] = {}
            for name in files:
                groups.setdefault(str(Path(name).parent), []).append(str(Path(folder) / name))
            for parent, locals_ in groups.items():
                there = ":/" if parent == "." else f":/{parent}/"
                self._mpremote("fs", "cp", *locals_, there)

    def fetch(self, folder: str) -> dict[str, bytes]:
        """Return the files in a folder of the board by name; a folder it lacks has none. Raises Trouble."""
        names = self.script(_LIST % folder)
        with tempfile.TemporaryDirectory(prefix="sensornett-") as here:
            if names:
                self._mpremote("fs", "cp", *(f":/{folder}/{name}" for name in names), f"{here}/")
            return {name: (Path(here) / name).read_bytes() for name in names}

    def digests(self, names: list[str]) -> dict[str, str]:
        """Return the SHA-256 of each file there is, by name."""
        found: dict[str, str] = {}
        for i in range(0, len(names), _DIGESTS_AT_ONCE):  # its heap is small, and in many pieces by now
            found |= self.script(_DIGESTS % names[i : i + _DIGESTS_AT_ONCE])
        return found

    def reset(self) -> None:
        """Start the board anew; it leaves the prompt."""
        self._mpremote("exec", "--no-follow", "import machine; machine.reset()")

    def console(self) -> None:
        """Join this terminal with the board until whoever sits there leaves. Raises Trouble."""
        command = [sys.executable, "-P", "-m", "mpremote", "connect", self.path, "resume", "repl"]
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            self._judge("repl", done.stderr.decode(errors="replace"))

    def _mpremote(self, *arguments: str) -> str:
        status, stdout, printed = self._try(arguments)
        for _ in range(TRIES - 1):
            if status == 0 or not _LATE.search(printed):
                break
            status, stdout, printed = self._try(arguments)
        if status:
            self._judge(arguments[0], printed)
        return stdout

    def _judge(self, did: str, printed: str) -> NoReturn:
        """Raise what mpremote tells of."""
        if "No module named mpremote" in printed:
            raise Trouble("tool_missing", tool="mpremote")
        if _GONE.search(printed) or not Path(self.path).exists():
            raise Trouble("unplugged", detail=printed, port=self.path)
        key = "copy_failed" if did == "fs" else "script_failed"
        raise Trouble(key, detail=printed[-2000:], port=self.path)

    def _try(self, arguments: Sequence[str]) -> tuple[int, str, str]:
        """Return mpremote's exit status, its output, and that with its errors. Raises Trouble."""
        command = [sys.executable, "-P", "-m", "mpremote", "connect", self.path, "resume", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, timeout=self._timeout_s, check=False)
        except subprocess.TimeoutExpired as error:
            raise Trouble("unplugged", detail=f"mpremote: {error}", port=self.path) from error
        stdout = done.stdout.decode(errors="replace")
        return done.returncode, stdout, stdout + done.stderr.decode(errors="replace")


_FOLDERS = """
import os
for path in %r:
    try:
        os.mkdir("/" + path)
    except OSError:
        pass
print("@@ null")
"""

_LIST = """
import json, os
try:
    names = os.listdir("/%s")
except OSError:
    names = []
print("@@ " + json.dumps(names))
"""

_DIGESTS_AT_ONCE = 8
_DIGESTS = """
import gc, hashlib, json
gc.collect()
found = {}
part = bytearray(512)
for path in %r:
    digest = hashlib.sha256()
    try:
        with open("/" + path, "rb") as f:
            while True:
                n = f.readinto(part)
                if not n:
                    break
                digest.update(memoryview(part)[:n])
    except OSError:
        continue
    found[path] = "".join(["%%02x" %% b for b in digest.digest()])
print("@@ " + json.dumps(found))
"""
