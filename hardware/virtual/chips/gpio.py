"""Things on plain pins: a load switch driven by the node, and a contact that makes pulses."""

from collections.abc import Callable

from hardware.virtual.chips.chip import Chip, Fault, Quantity, Witness
from hardware.virtual.clock import Clock


class Switch(Chip):
    """A load switch: its loads have supply while the pin has `on_level`. A released pin is off."""

    def __init__(self, *loads: Chip, clock: Clock, on_level: int = 1) -> None:
        super().__init__()
        self.loads = loads
        self._clock = clock
        self._on_level = on_level
        self._on_since_s: float | None = None
        for load in loads:
            load.power_off()

    @property
    def on(self) -> bool:
        return self._on_since_s is not None

    def on_for_s(self) -> float:
        """Seconds since the load got its supply; 0 while off. Loads that must settle ask this."""
        return 0.0 if self._on_since_s is None else self._clock.monotonic_s() - self._on_since_s

    def level(self) -> int:
        return self._on_level if self.on else 1 - self._on_level

    def driven(self, level: int | None) -> None:
        """The pin's level; None when nobody drives it."""
        on = level == self._on_level and self.fault is not Fault.DISCONNECTED
        if on == self.on:
            return
        self._on_since_s = self._clock.monotonic_s() if on else None
        for load in self.loads:
            if on:
                load.power_on()
            else:
                load.power_off()

    def power_off(self) -> None:
        super().power_off()
        self.driven(None)


class PulseContact(Chip):
    """A contact to ground with a pull-up (S0): one low pulse for each whole step of `total`.

    `total` counts pulses since any start and never falls; those before the supply came are not made up for.
    """

    PULSE_S = 0.05
    REST_S = 0.05  # at least, from one pulse to the next
    LOOK_S = 0.02
    BOUNCES = 0  # how often it opens again while it closes, and closes again while it opens

    def __init__(self, total: Quantity, clock: Clock, witness: Witness | None = None) -> None:
        super().__init__(witness)
        self._total = total
        self._clock = clock
        self._low = False
        self._listener: Callable[[int], None] | None = None
        self.pulses = 0

    def level(self) -> int:
        level = self._level()
        self._sampled("level", level, self._clock.utc_ms())
        return level

    def _level(self) -> int:
        if self.fault is Fault.STUCK:
            return 0
        return 0 if self._low and self.fault is not Fault.DISCONNECTED else 1

    def driven(self, level: int | None) -> None:
        """An input: a level the node puts on it changes nothing."""

    def listen(self, listener: Callable[[int], None] | None) -> None:
        """`listener` is told each new level."""
        self._listener = listener

    def _set(self, low: bool) -> None:
        for now in (low, not low) * self.BOUNCES + (low,):
            before = self._level()
            self._low = now
            if self._level() != before and self._listener:
                self._listener(self._level())

    async def tip(self) -> None:
        """One pulse."""
        self.pulses += 1
        self._set(True)
        try:
            await self._clock.sleep(self.PULSE_S)
        finally:
            self._set(False)  # no supply is needed for that

    async def run(self) -> None:
        """Makes the pulses while the board has supply."""
        done = int(self._total())
        while True:
            await self._clock.sleep(self.LOOK_S)
            while done < int(self._total()):
                done += 1
                await self.tip()
                await self._clock.sleep(self.REST_S)
