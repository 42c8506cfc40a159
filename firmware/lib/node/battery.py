"""One wake of a battery node: sense, store, send, listen. The caller then sleeps.

Longest wake: sensors 10 s, Wi-Fi 12 s, broker 3 steps of 5 s, conversation 20 s: below the watchdog's 60 s.
"""

import gc
import time

from node.app import log
from node.conversation import converse

CONVERSATION_MS = 20000
SHORTEST_SLEEP_MS = 100


def wake(node):
    """Live through one wake; return the milliseconds to sleep until the next."""
    started = time.ticks_ms()
    try:
        row = node.sample()
        seq = node.backlog.append([row])
        log("record", seq, row[2])
        node.remember()
        gc.collect()
        told = _report(node)
        node.state.failures = 0 if told else min(node.state.failures + 1, 0xFFFF)
    finally:
        node.remember()
    spent = time.ticks_diff(time.ticks_ms(), started)
    return max(node.config["interval_s"] * 1000 - spent, SHORTEST_SLEEP_MS)


def _report(node):
    """Have one conversation; returns whether nothing is left to tell."""
    end = time.ticks_add(time.ticks_ms(), CONVERSATION_MS)
    carrier = None
    try:
        carrier = node.carrier()
        carrier.open()
        talk = converse(node.uplink, node.state, node.clock, carrier, node.status)
        wait_ms = next(talk)
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            wait_ms = talk.send(carrier.receive(wait_ms))
    except StopIteration as ended:
        return ended.value
    except OSError as error:
        log("carrier", repr(error))
    finally:
        if carrier is not None:
            carrier.close()
    return False
