"""S0 pulse output of an electricity meter (EN 62053-31): energy as a register of the node's own.

The register goes on after resets and power cuts from what was kept at the last reading. Pulses since then are
lost with the supply, at most one interval's, and the first reading after a start is ESTIMATED. It is kept at
each reading and not at each pulse, which would wear out flash: sixteen may come in a second. Only what is
kept is told, so the register never goes back.
"""

from drivers.pulses import ContactCounter, Gauge


class Meter:
    """`gauge` counts the pulses and keeps their total."""

    def __init__(self, gauge, pulses_per_kwh):
        self._gauge = gauge
        self._pulses_per_kwh = pulses_per_kwh

    def poll(self):
        """Count on before the counter's 16 bits come round."""
        self._gauge.count()

    def read(self):
        total, quality = self._gauge.read()[0]
        # From the total, so that nothing is lost by rounding.
        return [(None if total is None else total * 1000 // self._pulses_per_kwh, quality)]

    def faults(self):
        """In words what is wrong."""
        return [self._gauge.fault] if self._gauge.fault else []


def attach(hardware, channels):
    """For sampling: `pulses_per_kwh`, `bounce_ms`. Only a node that stays awake counts."""
    channel = channels[0]
    counter = ContactCounter(hardware.ticks_ms, channel["bounce_ms"])
    kept = hardware.kept("s0.%d" % channel["bus"]["pin"])
    pin = hardware.contact(channel["bus"], counter.edge)
    return Meter(Gauge(counter, pin, kept, hardware.ticks_ms), channel["pulses_per_kwh"])
