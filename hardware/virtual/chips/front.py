"""What a person sees and touches: a light and a button."""

from collections.abc import Callable

from hardware.virtual.chips.chip import Chip
from hardware.virtual.clock import Clock


class Led(Chip):
    """Remembers each flash as (start in s, length in s)."""

    def __init__(self, clock: Clock, on_level: int = 1) -> None:
        super().__init__()
        self._clock = clock
        self._on_level = on_level
        self._since_s: float | None = None
        self.flashes: list[tuple[float, float]] = []

    def level(self) -> int:
        return self._on_level if self._since_s is not None else 1 - self._on_level

    def driven(self, level: int | None) -> None:
        now_s = self._clock.monotonic_s()
        if level == self._on_level:
            self._since_s = now_s if self._since_s is None else self._since_s
        elif self._since_s is not None:
            self.flashes.append((self._since_s, now_s - self._since_s))
            self._since_s = None

    @property
    def lit(self) -> bool:
        return self._since_s is not None

    def seen(self, long_s: float = 0.4) -> str:
        """The flashes so far, "." for a short one and "-" for a long; they are forgotten then."""
        told = "".join("-" if length_s >= long_s else "." for _, length_s in self.flashes)
        self.flashes.clear()
        return told


class Button(Chip):
    """To ground, with a pull-up."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._down = False
        self._listener: Callable[[int], None] | None = None

    def level(self) -> int:
        return 0 if self._down else 1

    def driven(self, level: int | None) -> None:
        """An input: a level the node puts on it changes nothing."""

    def listen(self, listener: Callable[[int], None] | None) -> None:
        self._listener = listener

    def _set(self, down: bool) -> None:
        self._down = down
        if self._listener:
            self._listener(self.level())

    async def press(self, seconds: float = 0.2) -> None:
        self._set(True)
        await self._clock.sleep(seconds)
        self._set(False)

    async def hold_until_lit(self, led: Led, more_s: float = 0.6) -> None:
        """Hold it until the light comes, and a moment longer, as people do; `let_go` ends that."""
        self._set(True)
        while not led.lit:
            await self._clock.sleep(0.05)
        await self._clock.sleep(more_s)

    def let_go(self) -> None:
        self._set(False)
