"""Whether a start may do all its work. Pure.

A start that does not come to its end (an error, the watchdog, a brown-out) is counted: in RTC memory, and for
cold boots in flash too, since a brown-out takes RTC memory with it. What fails again and again must neither
drain the battery nor wear the flash, and the node must stay within reach.
"""

TRIES = 3  # starts in a row that may fail before the node changes its ways
FULL_EVERY = 8  # in safe mode each eighth start tries everything again
MOST = 255  # what is counted fits a byte
REST_S = 600
REST_MAX_S = 21600


def counted(starts):
    """Return how many starts it is with this one; at the end of what is counted the last eight come again."""
    return starts + 1 if starts < MOST else MOST + 1 - FULL_EVERY


def safe(starts):
    """Whether this start (`starts`: since one came to its end, this one counted) skips the sensors."""
    return starts > TRIES and starts % FULL_EVERY != 0


def rest_s(unfinished):
    """Seconds a cold boot sleeps before anything else, the last `unfinished` ones having come to no end."""
    if unfinished <= TRIES:
        return 0
    return min(REST_S << min(unfinished - TRIES - 1, 8), REST_MAX_S)
