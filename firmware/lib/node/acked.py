"""Which records the gateway has acknowledged, and which to send next. Pure.

`upto` and `ranges` are a hint: the gateway is the authority, and its next ACK repairs them.
"""


def merge(upto, ranges, new_upto, new_ranges, most=4):
    """Return (upto, ranges) after an ACK: ranges inclusive, ascending, apart, the newest `most` kept."""
    upto = max(upto, new_upto)
    merged: "list[list[int]]" = []
    for first, last in sorted(list(ranges) + list(new_ranges)):
        if last < first or last < upto:
            continue
        if first <= upto:
            upto = last + 1
        elif merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(last, merged[-1][1])
        else:
            merged.append([first, last])
    return upto, [tuple(r) for r in merged[-most:]]


def pending(oldest, next_seq, upto, ranges):
    """Return the inclusive runs not acknowledged in oldest..next_seq - 1, newest first."""
    runs = []
    end = next_seq - 1
    for first, last in reversed(ranges):
        if last < end:
            runs.append((max(last + 1, oldest, upto), end))
        end = min(end, first - 1)
    runs.append((max(upto, oldest), end))
    return [r for r in runs if r[0] <= r[1]]


def lost(oldest, upto, ranges):
    """Return the inclusive runs below `oldest` that were overwritten unacknowledged, ascending."""
    runs = []
    start = upto
    for first, last in ranges:
        if first > start:
            runs.append((start, min(first, oldest) - 1))
        start = max(start, last + 1)
    runs.append((start, oldest - 1))
    return [r for r in runs if r[0] <= r[1]]
