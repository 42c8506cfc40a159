"""What a console has heard, and waiting for something in it."""

import asyncio
import codecs
import re

from hardware.virtual.clock import Clock

_GRACE_S = 0.2  # what was printed in time is here by then: the clock may have jumped, a terminal does not
_SHOWN = 1500  # characters of the end that are shown when something did not come


class Transcript:
    """Takes bytes as they come, in whatever pieces; keeps them as text without carriage returns."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._more = asyncio.Event()

    def hear(self, content: bytes) -> None:
        self._parts.append(self._decoder.decode(content).replace("\r", ""))
        self._more.set()

    def text(self) -> str:
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    async def until(self, pattern: str, timeout_s: float, start: int = 0) -> re.Match[str]:
        """Return the first match in `text()[start:]`. Raises TimeoutError with the end of what was heard."""
        wanted = re.compile(pattern, re.MULTILINE | re.DOTALL)
        late = asyncio.ensure_future(self._clock.sleep(timeout_s))
        given = False
        try:
            while True:
                self._more.clear()
                if found := wanted.search(self.text()[start:]):
                    return found
                if late.done() and not given:
                    given = True
                    await asyncio.sleep(_GRACE_S)
                    continue
                if late.done():
                    heard = self.text()[start:][-_SHOWN:]
                    raise TimeoutError(f"no {pattern!r} within {timeout_s:g} s; heard:\n{heard}")
                more = asyncio.ensure_future(self._more.wait())
                await asyncio.wait({late, more}, return_when=asyncio.FIRST_COMPLETED)
                more.cancel()
        finally:
            late.cancel()
            await asyncio.gather(late, return_exceptions=True)  # it has let go of the clock then
