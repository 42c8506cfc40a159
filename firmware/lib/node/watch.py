"""What a node makes of its own readings: values no place has, sensors that froze, and events.

Its memory fits RTC memory and may be lost: then a frozen sensor is noticed later and an event begins anew.
Times are seconds of the node's own clock, which nothing sets.
"""

import struct

from wire.quantities import AT_HIGH, AT_LOW, ESTIMATED, FROZEN, OK, OUT_OF_RANGE, SPREAD

RISE_POINTS = 4
RISE_GAP_S = 600  # between two points a rise is measured from; nearer ones would measure noise
RISE_OLD_S = 2400

_TELLING = (OK, AT_HIGH, AT_LOW, SPREAD, ESTIMATED)  # qualities whose value can begin an event
_CLEARING = (OK, AT_HIGH, AT_LOW)  # ... and end one: bad quality never clears


def calibrate(value, calibration):
    """Return `value` on the line through (raw0, value0) and (raw1, value1), rounded half up."""
    raw0, value0, raw1, value1 = calibration
    span = raw1 - raw0
    return value0 + (2 * (value - raw0) * (value1 - value0) + span) // (2 * span)


class Watch:
    """`channels` and `events` as the settings have them; `note` is what `pack` returned before the sleep."""

    def __init__(self, channels, events, note=b""):
        self._channels = channels
        self._events = [event for event in events if self._can(event)]
        self._still: "dict" = {i: None for i, c in enumerate(channels) if c.get("frozen_s")}  # (value, since)
        self._active = [False] * len(self._events)
        self._points: "dict" = {i: [] for i, e in enumerate(self._events) if e["rise_per_h"] is not None}
        self._unpack(note)

    def _can(self, event):
        return not event["calibrated"] or self._channels[event["channel"]].get("calibration")

    @property
    def active(self):
        """Whether an event is going on."""
        return any(self._active)

    def judge(self, now_s, values, quality):
        """Return the qualities, with OUT_OF_RANGE and FROZEN where a value that seemed good is not."""
        found = list(quality)
        for i, channel in enumerate(self._channels):
            value = values[i]
            if value is None:
                continue
            bounds = channel.get("plausible")
            if found[i] == OK and bounds and not bounds[0] <= value <= bounds[1]:
                found[i] = OUT_OF_RANGE
            if i in self._still:
                still = self._still[i]
                if still is None or still[0] != value or still[1] > now_s:
                    self._still[i] = (value, now_s)
                elif found[i] == OK and now_s - still[1] >= channel["frozen_s"]:
                    found[i] = FROZEN
        return tuple(found)

    def look(self, now_s, values, quality):
        """Return whether an event began or ended with this reading."""
        changed = False
        for i, event in enumerate(self._events):
            raw, code = values[event["channel"]], quality[event["channel"]]
            if raw is None or code not in _TELLING:
                continue
            was = self._active[i]
            if was and code not in _CLEARING:
                continue
            value = raw
            if event["calibrated"]:
                value = calibrate(raw, self._channels[event["channel"]]["calibration"])
            slack = -event["deadband"] if was else 0
            self._active[i] = self._beyond(i, event, now_s, value, slack)
            changed = changed or was != self._active[i]
        return changed

    def _beyond(self, i, event, now_s, value, slack):
        """Whether a limit is passed; `slack` (0 or less) moves it back for an event that is going on."""
        if event["above"] is not None and value > event["above"] + slack:
            return True
        if event["below"] is not None and value < event["below"] - slack:
            return True
        if i not in self._points:
            return False
        points = [p for p in self._points[i] if 0 <= now_s - p[0] <= RISE_OLD_S]
        limit = event["rise_per_h"] + slack
        risen = any(
            [now_s - at >= RISE_GAP_S and (value - past) * 3600 > limit * (now_s - at) for at, past in points]
        )
        if not points or now_s - points[-1][0] >= RISE_GAP_S:
            points.append((now_s, value))
        self._points[i] = points[-RISE_POINTS:]
        return risen

    # Memory. What it is for is in the first byte sum: other settings make it worthless, not wrong.

    def _shape(self):
        return struct.pack("<BBB", len(self._still), len(self._events), len(self._points))

    def pack(self):
        out = bytearray(self._shape())
        for i in sorted(self._still):
            value, since = self._still[i] or (0, 0xFFFFFFFF)
            out += struct.pack("<iI", value, since)
        for active in self._active:
            out.append(active)
        for i in sorted(self._points):
            out.append(len(self._points[i]))
            for at, value in self._points[i]:
                out += struct.pack("<Ii", at, value)
        return bytes(out)

    def _unpack(self, note):
        if note[:3] != self._shape():
            return
        at = 3
        for i in sorted(self._still):
            value, since = struct.unpack("<iI", note[at : at + 8])
            self._still[i] = None if since == 0xFFFFFFFF else (value, since)
            at += 8
        for i in range(len(self._active)):
            self._active[i] = bool(note[at])
            at += 1
        for i in sorted(self._points):
            count = note[at]
            at += 1
            for _ in range(count):
                self._points[i].append(struct.unpack("<Ii", note[at : at + 8]))
                at += 8
