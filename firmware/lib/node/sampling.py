"""One sampling: every channel of the profile read once, each with its quality.

A driver module has `measure(hardware, channels)`: it gets the channels of its own that share a bus and
returns a (value, quality) for each. It answers for whatever its chip does; what escapes it all the
same becomes FAULT here, so that one sensor never silences the others.
"""

from wire.quantities import FAULT, OK, QUANTITIES


def _groups(channels):
    """Yield (driver name, [(position, channel), ...]) for channels that share driver and bus."""
    groups: "list" = []
    for i, channel in enumerate(channels):
        for driver, bus, members in groups:
            if driver == channel["driver"] and bus == channel["bus"]:
                members.append((i, channel))
                break
        else:
            groups.append((channel["driver"], channel["bus"], [(i, channel)]))
    return [(driver, members) for driver, _, members in groups]


def _fit(channel, value, quality):
    """Cut a value to what the wire carries; the limit that is known first is the quality that counts."""
    if value is None:
        return None, quality
    value, cut = QUANTITIES[channel["quantity"]].fit(value)
    return value, quality if quality != OK else cut


def sample(hardware, channels, report):
    """Return (values, quality). `report(driver, error)` hears of drivers that failed in a new way."""
    values = [None] * len(channels)
    quality = [FAULT] * len(channels)
    for driver, members in _groups(channels):
        try:
            module = getattr(__import__("drivers." + driver), driver)
            found = module.measure(hardware, [channel for _, channel in members])
        except (OSError, ValueError, ImportError, AttributeError, TypeError, KeyError, IndexError) as error:
            report(driver, error)
            continue
        for (i, channel), (value, code) in zip(members, found):
            values[i], quality[i] = _fit(channel, value, code)
    return tuple(values), tuple(quality)
