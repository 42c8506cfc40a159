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
        return self._once(
            ("adc", bus["pin"]), lambda: machine.ADC(machine.Pin(bus["pin"]), atten=machine.ADC.ATTN_11DB)
        )

    def uart(self, bus, **options):
        return self._once(
            ("uart", bus["uart"]),
            lambda: machine.UART(bus["uart"], tx=bus.get("tx", -1), rx=bus["rx"], **options),
        )

    def switch(self, pin, on):
        """Drive the pin that powers a sensor."""
        self._once(("switch", pin), lambda: machine.Pin(pin, machine.Pin.OUT)).value(1 if on else 0)
