"""The LED, for people without a laptop; only while somebody may be looking, since light costs energy.

1 short     measured and stored
3 short     the gateway heard this node, with a good margin
2 short     ... with a poor one
1 long      no answer
2 long      going to the shelf; what follows tells whether the gateway knows

On a press that asks for the technician's hotspot:
lit         while the button is held: let go now
flashes     once a second: looking for the hotspot
lit         taking a new program
3 long      taken: it starts, on trial; or it runs already
6 short     no hotspot, no program there for this node, or the battery is too low
"""

SHORT_MS = 40
LONG_MS = 800
GAP_MS = 160
GOOD_MARGIN_DB = 10


class Lamp:
    """`output` drives the LED (hardware.output with its wiring), None where the board has none."""

    def __init__(self, hardware, led):
        self._hardware = hardware
        self._led = led
        self._on = False

    def blink(self, count, on_ms=SHORT_MS):
        if self._led is None:
            return
        for _ in range(count):
            self._hardware.output(self._led, True)
            self._hardware.sleep_ms(on_ms)
            self._hardware.output(self._led, False)
            self._hardware.sleep_ms(GAP_MS)

    def show(self, on):
        """Switch the light on where all is well, else over: called again and again it blinks then."""
        if self._led is not None:
            self._on = on or not self._on
            self._hardware.output(self._led, self._on)

    def dark(self):
        """Switch off what `show` left on."""
        if self._on:
            self.show(False)

    def heard(self, told, margin_db):
        """Show how a conversation went; `margin_db` None: the carrier can not tell."""
        if not told:
            self.blink(1, LONG_MS)
        else:
            self.blink(3 if margin_db is None or margin_db >= GOOD_MARGIN_DB else 2)
