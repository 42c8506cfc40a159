"""The board's buses, made once each and handed to the drivers."""

import struct
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
        return self._once(("kept", name), lambda: Kept(name))

    def output(self, wired, on):
        """Drive an output that the board's description calls {"pin", "on_level"}."""
        pin = self._once(("output", wired["pin"]), lambda: machine.Pin(wired["pin"], machine.Pin.OUT))
        pin.value(wired["on_level"] if on else 1 - wired["on_level"])


_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND


class Kept:
    """A whole number that survives resets and power cuts, in the ESP32's non-volatile storage.

    That writes in turn to all of its flash: a few thousand changes a year are nothing to it."""

    def __init__(self, name):
        import esp32

        self._name = name
        self._nvs = esp32.NVS("kept")

    def get(self):
        """Return the number, None where there never was one. Raises OSError."""
        raw = bytearray(8)
        try:
            self._nvs.get_blob(self._name, raw)
        except OSError as error:
            if error.args[0] != _NOT_FOUND:
                raise
            return None
        return struct.unpack("<Q", raw)[0]

    def set(self, value):
        """Keep the number; it is safe on return. Raises OSError."""
        self._nvs.set_blob(self._name, struct.pack("<Q", value))
        self._nvs.commit()
