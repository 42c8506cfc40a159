"""Tells a frame that came two ways from one that somebody recorded and sent again. Pure."""

from collections import OrderedDict

from gateway.model import Uplink

APART_MS = 10_000  # by which the ways of one frame may differ
FRAMES_MAX = 256


class Lately:
    """The frames of the last seconds, and by which ways they came: our own receivers, or a relay."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[int, set[str]]] = OrderedDict()

    def by_another_way(self, uplink: Uplink) -> bool:
        """Note `uplink`; return whether this very frame came by another way just now, and by this one not."""
        if not uplink.receptions:
            return False
        first_ms, ways = self._seen.get(uplink.frame, (uplink.received_at_ms, set()))
        again = bool(ways) and uplink.via not in ways and uplink.received_at_ms - first_ms <= APART_MS
        ways.add(uplink.via)
        self._seen[uplink.frame] = first_ms, ways
        while len(self._seen) > FRAMES_MAX:
            self._seen.popitem(last=False)
        return again
