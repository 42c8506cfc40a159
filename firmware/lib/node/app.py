"""A battery node's life between two sleeps: guard, sense, store, send, listen, sleep.

Whatever happens in between, the node sleeps and wakes again: a node that stops in an error message
empties its battery on a mountain.
"""

import gc
import os
import sys
import time

import machine

from node import identity, retained, settings
from node.backlog import Backlog
from node.clock import Clock
from node.conversation import converse
from node.hardware import Hardware
from node.sampling import sample
from node.uplink import Uplink

WATCHDOG_MS = 60000  # above the longest wake: Wi-Fi 12 s, broker 2 x 5 s, conversation 20 s
CONVERSATION_MS = 20000
RETRY_S = 600  # sleep after a wake that failed before it knew its interval


def log(*words):
    print(*words)


class Node:
    """What one wake works with."""

    def __init__(self, config, config_hash, me, state):
        self.config = config
        self.config_hash = config_hash
        self.state = state
        self.channels = config["channels"]
        self.backlog = Backlog(state, len(self.channels), config["backlog_segments"])
        self.clock = Clock(state)
        self.uplink = Uplink(
            config["node"],
            config["schema"],
            tuple([c["quantity"] for c in self.channels]),
            me,
            state,
            self.backlog,
            self.clock,
        )
        self.battery_mv = None

    def measure(self):
        """Sample every channel and put the record into flash."""
        seconds, clock = self.clock.stamp()
        values, quality = sample(Hardware(), self.channels, lambda driver, e: log("driver", driver, repr(e)))
        for channel, value in zip(self.channels, values):
            if channel["name"] == "battery":
                self.battery_mv = value
        seq = self.backlog.append(seconds, clock, values, quality)
        log("record", seq, values)

    def status(self):
        return self.uplink.status(machine.reset_cause(), self.config_hash, self.battery_mv)

    def report(self, carrier):
        """Have one conversation. Returns whether nothing is left to tell. Raises OSError."""
        end = time.ticks_add(time.ticks_ms(), CONVERSATION_MS)
        carrier.open()
        talk = converse(self.uplink, self.state, self.clock, carrier, self.status)
        try:
            wait_ms = next(talk)
            while time.ticks_diff(end, time.ticks_ms()) > 0:
                wait_ms = talk.send(carrier.receive(wait_ms))
        except StopIteration as ended:
            return ended.value
        return False


def _remember(state):
    machine.RTC().memory(state.pack())


def _wake():
    """Return (state, identity): from RTC memory, or found out again from flash after a cold boot."""
    me = identity.load()
    state = retained.unpack(machine.RTC().memory())
    if state is None:
        state = retained.Retained()
        me.boots += 1
        state.clock = me.boots % 255 + 1
        state.counter = state.reserved = me.reserved
        me.save()
    state.wakes += 1
    return state, me


def _carrier(config):
    kind = config["carrier"]["kind"]
    if kind != "mqtt":
        raise ValueError("this firmware has no carrier " + kind)
    from node import wifi
    from node.carriers.mqtt import Mqtt

    wifi.join(config["carrier"])
    return Mqtt(config["carrier"], config["site"], config["node"])


def _live():
    """One wake; returns the milliseconds until the next."""
    started = time.ticks_ms()
    config, config_hash = settings.load()
    state, me = _wake()
    try:
        node = Node(config, config_hash, me, state)
        if not state.epoch:
            node.backlog.recover(os.urandom)
        node.measure()
        _remember(state)
        gc.collect()
        carrier = None
        try:
            carrier = _carrier(config)
            heard = node.report(carrier)
        except OSError as error:
            log("carrier", repr(error))
            heard = False
        finally:
            if carrier is not None:
                carrier.close()
        state.failures = 0 if heard else min(state.failures + 1, 0xFFFF)
    finally:
        _remember(state)
    return max(config["interval_s"] * 1000 - time.ticks_diff(time.ticks_ms(), started), 100)


def main():
    machine.WDT(timeout=WATCHDOG_MS)
    sleep_ms = RETRY_S * 1000
    try:
        sleep_ms = _live()
    except Exception as error:  # whatever it was: the node must sleep and try again
        sys.print_exception(error)
    finally:
        machine.deepsleep(sleep_ms)
