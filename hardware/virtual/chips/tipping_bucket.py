"""A tipping-bucket rain gauge: its magnet closes a reed contact at each tip."""

from hardware.virtual.chips.gpio import PulseContact


class TippingBucket(PulseContact):
    """`total` is the rain in buckets. Makers give 50 to 150 ms for a closing; reed contacts bounce at both
    its ends. A second bucket has to fill first. STUCK: it stopped halfway, with the magnet at the contact."""

    PULSE_S = 0.1
    REST_S = 0.6
    BOUNCES = 2
