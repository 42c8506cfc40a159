"""MicroPython's raw prompt: a script goes over, its output and its traceback come back.

Ctrl-C ends the program, Ctrl-A opens the raw prompt, Ctrl-D runs what was sent. The answer is `OK`, the
output, 0x04, the traceback, 0x04, `>`. Ctrl-B goes back to the ordinary prompt.
Source: MicroPython documentation, "The internal MicroPython REPL", section "Raw mode".
"""

import asyncio
from collections.abc import Callable

from hardware.protocols import InstrumentError
from hardware.transcript import Transcript

CTRL_A, CTRL_B, CTRL_C, CTRL_D = b"\x01", b"\x02", b"\x03", b"\x04"
_PIECE = 256  # bytes at a time: a board's receive buffer is no larger
_PAUSE_S = 0.01
_ANSWER = r"OK(?P<printed>[^\x04]*)\x04(?P<error>[^\x04]*)\x04>"


async def run_script(write: Callable[[bytes], None], heard: Transcript, source: str, timeout_s: float) -> str:
    """Return what `source` prints. Raises TimeoutError, InstrumentError where the script raises."""
    start = len(heard.text())
    write(b"\r" + CTRL_C)
    await heard.until(r">>> \Z", timeout_s, start)
    start = len(heard.text())
    write(CTRL_A)
    await heard.until(r"raw REPL; CTRL-B to exit\n>", timeout_s, start)
    start = len(heard.text())
    content = source.encode()
    for at in range(0, len(content), _PIECE):
        write(content[at : at + _PIECE])
        await asyncio.sleep(_PAUSE_S)
    write(CTRL_D)
    answer = await heard.until(_ANSWER, timeout_s, start)
    write(CTRL_B)
    if answer["error"].strip():
        raise InstrumentError(f"the script ended with an error on the board:\n{answer['error'].strip()}")
    return answer["printed"]
