"""The board's buses, made once each and handed to the drivers."""

import time

import machine


class Hardware:
    """Hands out buses by the pins the settings name; the same bus is made only once."""

    def __init__(self):
        self._made = {}
        self.sleep_ms = time.sleep_ms
        self.ticks_ms = time.ticks_ms
        self.ticks_diff = time.ticks_diff

    def _once(self, key, make):
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def i2c(self, bus):
        return self._once(
            ("i2c", bus["i2c"]),
            lambda: machine.I2C(
                bus["i2c"], scl=machine.Pin(bus["scl"]), sda=machine.Pin(bus["sda"]), freq=100000
            ),
        )

    def onewire(self, bus):
        def make():
            import onewire

            return onewire.OneWire(machine.Pin(bus["pin"]))

        return self._once(("onewire", bus["pin"]), make)

    def adc(self, bus):
        def make():
            if bus.get("enable_pin") is not None:
                self.output({"pin": bus["enable_pin"], "on_level": bus["enable_level"]}, True)
            return machine.ADC(machine.Pin(bus["pin"]), atten=machine.ADC.ATTN_11DB)

        return self._once(("adc", bus["pin"]), make)

    def uart(self, bus, **options):
        def make():
            if bus.get("inverted"):
                options["invert"] = machine.UART.INV_RX
            if "tx" in bus:
                options["tx"] = bus["tx"]
            return machine.UART(bus["uart"], rx=bus["rx"], **options)

        return self._once(("uart", bus["uart"]), make)

    def contact(self, bus, closed):
        """Have `closed(pin)` called each time a contact from the pin to ground closes; return the pin."""
        pin = self._once(
            ("contact", bus["pin"]),
            lambda: machine.Pin(bus["pin"], machine.Pin.IN, machine.Pin.PULL_UP),
        )
        pin.irq(closed, machine.Pin.IRQ_FALLING)
        return pin

    def kept(self, name):
        def make():
            from node.kept import Kept

            return Kept(name)

        return self._once(("kept", name), make)

    def output(self, wired, on):
        """Drive an output that the board's description calls {"pin", "on_level"}."""
        pin = self._once(("output", wired["pin"]), lambda: machine.Pin(wired["pin"], machine.Pin.OUT))
        pin.value(wired["on_level"] if on else 1 - wired["on_level"])
