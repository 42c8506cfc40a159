"""What a stored record is worth to the alerts: its values with how far each can be trusted. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from device_configs.model import Node
from device_configs.schema import Channel
from gateway.alerts.state import Trust
from gateway.model import StoredRecord
from gateway.readings import readings
from wire.quantities import AT_HIGH, AT_LOW, BY_NAME, CLAMPED, ESTIMATED, MISSING, OK

_OTHER_SIDE = {Trust.BEYOND_HIGH: Trust.BEYOND_LOW, Trust.BEYOND_LOW: Trust.BEYOND_HIGH}


class Measured(NamedTuple):
    """One value in the integer unit of its quantity; None where `trust` is BAD and there is none."""

    value: int | None
    trust: Trust

    @property
    def usable(self) -> bool:
        return self.value is not None and self.trust is not Trust.BAD


Values = Mapping[str, Measured]


def measured(record: StoredRecord, node: Node) -> dict[str, Measured]:
    """Return the values of `record` by key. What was not measured on purpose (MISSING) is left out.

    Raises gateway.readings.WrongSchema for a record made under another profile.
    """
    channels: dict[str, tuple[Channel, bool]] = {}
    for channel in node.profile.channels:
        channels[channel.key] = channel, True
        if channel.derived is not None:
            channels[channel.derived.name] = channel, channel.derived.rising
    raw = dict(zip((c.key for c in node.profile.channels), record.values, strict=False))
    found = {}
    for reading in readings(record, node):
        if reading.quality == MISSING:
            continue
        channel, rising = channels[reading.key]
        trust = _trust(reading.quality, raw[channel.key], channel.quantity)
        if not rising:
            trust = _OTHER_SIDE.get(trust, trust)
        found[reading.key] = Measured(reading.value, trust if reading.value is not None else Trust.BAD)
    return found


def _trust(quality: int, raw: int | None, quantity: str) -> Trust:
    if quality in (OK, ESTIMATED):
        return Trust.GOOD
    if quality == AT_HIGH:
        return Trust.BEYOND_HIGH
    if quality == AT_LOW:
        return Trust.BEYOND_LOW
    if quality == CLAMPED and raw is not None:
        return Trust.BEYOND_HIGH if raw >= BY_NAME[quantity].hi else Trust.BEYOND_LOW
    return Trust.BAD  # fault, out of range, frozen, spread too large: nothing may be concluded from it
