"""What every node does at power-on and after each sleep, and the parts it then works with."""

import os
import sys

import machine

from node import identity, retained, settings
from node.backlog import Backlog
from node.clock import Clock
from node.hardware import Hardware
from node.sampling import Sampler
from node.uplink import Uplink

RETRY_S = 600  # sleep after a start that failed before the node knew its interval


def log(*words):
    print(*words)


def _log_driver(driver, error):
    log("driver", driver, repr(error))


class Node:
    """The parts of one node, wired."""

    def __init__(self, config, config_hash, me, state):
        self.config = config
        self.config_hash = config_hash
        self.state = state
        self.channels = config["channels"]
        self.backlog = Backlog(state, len(self.channels), config["backlog_segments"])
        self.clock = Clock(state)
        self.sampler = Sampler(
            Hardware(), self.channels, config["sensor_power"], config["warmup_ms"], _log_driver
        )
        quantities = tuple([channel["quantity"] for channel in self.channels])
        self.uplink = Uplink(
            config["node"], config["schema"], quantities, me, state, self.backlog, self.clock
        )
        self.battery_mv = None

    def sample(self):
        """Return one row for the backlog: (seconds, clock id or None, values, quality)."""
        (seconds, clock), values, quality = self.sampler.sample(self.clock.stamp)
        for channel, value in zip(self.channels, values):
            if channel["name"] == "battery":
                self.battery_mv = value
        return seconds, clock, values, quality

    def status(self):
        """Return a STATUS frame."""
        return self.uplink.status(machine.reset_cause(), self.config_hash, self.battery_mv)

    def carrier(self):
        """Return a carrier that is not open yet. Raises OSError when it can not be had."""
        kind = self.config["carrier"]["kind"]
        if kind != "mqtt":
            raise ValueError("this firmware has no carrier " + kind)
        from node import wifi
        from node.carriers.mqtt import Mqtt

        wifi.join(self.config["carrier"])
        return Mqtt(self.config["carrier"], self.config["site"], self.config["node"])

    def remember(self):
        """Keep the state over the next sleep or reset."""
        machine.RTC().memory(self.state.pack())


def _start():
    """Return the Node: with what RTC memory kept, or found out again from flash after a cold boot."""
    config, config_hash = settings.load()
    me = identity.load()
    state = retained.unpack(machine.RTC().memory())
    cold = state is None
    if state is None:
        state = retained.Retained()
        me.boots += 1
        state.clock = me.boots % 255 + 1
        state.counter = state.reserved = me.reserved
        me.save()
    state.wakes += 1
    node = Node(config, config_hash, me, state)
    if cold:
        node.backlog.recover(os.urandom)
        log("cold boot", me.boots, "epoch", state.epoch, "records", state.oldest, "to", state.next_seq)
    return node


def main():
    """Run the node until it sleeps or resets. Whatever happens, it comes back: a node that stops in an
    error message empties its battery on a mountain."""
    watchdog = machine.WDT(timeout=60000)  # above the longest wake, see battery.py
    sleep_ms = RETRY_S * 1000
    try:
        node = _start()
        if node.config["power"] == "mains":
            from node import mains

            mains.run(node, watchdog)
        else:
            from node import battery

            sleep_ms = battery.wake(node)
    except Exception as error:  # whatever it was: the node must sleep and try again
        sys.print_exception(error)
    finally:
        machine.deepsleep(sleep_ms)
