"""What every node does at power-on and after each sleep, and the parts it then works with."""

import gc
import os
import sys

import machine

import slots
from node import RESTART_MS, forget, guard, identity, log, power, retained, settings
from node.backlog import Backlog
from node.clock import Clock
from node.hardware import Hardware
from wire import control
from wire.quantities import keep_only

GARBAGE = 32768  # bytes after which it is collected: waiting until the heap is full leaves it in small pieces
UNPROVISIONED_MS = 3600000
LIT_S = 900  # how long the LED is used after power-on or a press of the button
TRIAL_MS = 900000  # a program on trial that stays awake starts anew after this, and so comes to its end
_PWRON_RESET = 1  # as machine numbers them on the ESP32
_WDT_RESET = 3
_DEEPSLEEP_RESET = 4
_BUTTON_WAKES = (2, 3)  # EXT0, EXT1
LEAVING = 3  # what a start is for, see shelf.py, which few starts need


class Node:
    """The parts of one node, wired."""

    def __init__(self, found, me, state, hardware, supply, watchdog, cause):
        self.config = config = found.values
        self._found = found
        self._me = me
        self.state = state
        self.hardware = hardware
        self.supply = supply
        self.watchdog = watchdog
        self.cause = cause  # (reset cause, wake reason)
        self.called = cause[1] in _BUTTON_WAKES  # somebody pressed the button
        self.leaving = False  # to the shelf: see battery.leave
        self.channels = config["channels"]
        self.backlog = Backlog(
            state, len(self.channels), config["backlog_segments"], config.get("segment_bytes", 1000)
        )
        self.clock = Clock(state)
        self.battery_mv = None
        self.events = None  # what happened to a meter's registers: see registers.py
        self._tells = False  # the last STATUS had some of them
        self.healthy = False  # a sampling of this start gave a value
        self.began_ms = self.clock.now_ms()
        self._faults = []
        self._uplink = self._sampler = self._watch = self.lamp = None
        self._radio = None
        self._quantities = tuple([channel["quantity"] for channel in self.channels])
        keep_only(self._quantities)
        self.way = config["carrier"]  # the settings of the carrier in use
        self.key = me.key

    @property
    def uplink(self):
        if self._uplink is None:
            from node.uplink import Uplink

            number, schema = self.config["node"], self.config["schema"]
            self._uplink = Uplink(
                number, schema, self._quantities, self._me, self.state, self.backlog, self.clock
            )
        return self._uplink

    @property
    def radio(self):
        if self._radio is None:
            from node.radio import Radio

            self._radio = Radio(self)
        return self._radio

    @property
    def sampler(self):
        if self._sampler is None:
            from node.sampling import Sampler

            config = self.config
            self._sampler = Sampler(
                self.hardware, self.channels, config["sensor_power"], config["warmup_ms"], self._sensor_failed
            )
        return self._sampler

    def _sensor_failed(self, driver, error):
        self.state.count(control.SENSOR)
        log("driver", driver, repr(error))

    def flash_failed(self, error):
        """Flash is full or worn out: the node goes on, and says so."""
        self.state.count(control.FLASH)
        log("flash", repr(error))

    @property
    def watch(self):
        if self._watch is None:
            from node.watch import Watch

            note = self.state.notes.get(retained.WATCH, b"")
            self._watch = Watch(self.channels, self.config.get("events", ()), note)
        return self._watch

    def sample(self):
        """Return (row for the backlog, whether an event began or ended with it).

        A row is (seconds, clock id or None, values, quality).
        """
        (seconds, clock), values, quality = self.sampler.sample(self.clock.stamp)
        now_s = self.clock.now_ms() // 1000
        quality = self.watch.judge(now_s, values, quality)
        urgent = self.watch.look(now_s, values, quality)
        self.state.notes[retained.WATCH] = self.watch.pack()
        for channel, value in zip(self.channels, values):
            self.healthy = self.healthy or value is not None
            if channel["name"] == "battery":
                self.battery_mv = value
        return (seconds, clock, values, quality), urgent

    def faults(self):
        """In words what is wrong with the sensors, as of their last reading."""
        return self._sampler.faults() if self._sampler else self._faults

    def put_sensors_away(self):
        """Drop what was for sampling before what speaks to the gateway is loaded, for want of heap."""
        self._faults = self.faults()
        self._sampler = self._watch = None
        self.channels = self.config["channels"] = self.config["events"] = ()
        forget([name for name in sys.modules if name.startswith("drivers.")])
        forget(("node.sampling", "node.watch", "node.root", "node.spare", "node.shelf"))

    def feel_load(self):
        """Read the battery while the radio is on: a cold cell shows its weakness only then."""
        if "battery" in self.config:
            mv = self.supply.look_mv()
            self.state.load_mv = mv or 0
            self.state.level = power.level(self.state.level, mv, self.config["battery"], loaded=True)

    def status(self):
        """Return a STATUS frame."""
        state = self.state
        roomy = self.way["kind"] == "mqtt"
        events = self.events.untold(self._me.store, roomy) if self.events else ()
        self._tells = bool(events)
        blocks, free = os.statvfs("/")[2:4]
        short = events and not roomy  # for once the event instead of counters
        return self.uplink.status(
            list(self.cause) + [state.starts - 1],
            self._found.hash,
            state.load_mv or self.battery_mv,
            None if short else [self._me.writes + state.writes, free, blocks],
            None if short else state.counters,
            self.faults() if roomy else (),
            events,
            self.leaving,
        )

    def carrier(self, urgent=False):
        """Return a carrier that is not open yet. Raises OSError when it can not be had."""
        if self.config.get("fallback"):
            from node import choice

            self.way = choice.pick(self, urgent)
        if self.way["kind"] == "lora":
            return self.radio.carrier()
        from node import wifi
        from node.carriers.mqtt import Mqtt

        wifi.join(self.way, self.state.notes)
        return Mqtt(self.way, self.config["site"], self.config["node"], self.state.notes)

    def talk(self, carrier, urgent=False):
        """Return the conversation to have over `carrier`; `urgent`: it should ask for an answer."""
        if slots.trial:  # the program proves itself by the answer
            self.uplink.wants_status = urgent = True
        if self.way["kind"] == "lora":
            return self.radio.converse(carrier, urgent)
        from node.conversation import converse

        talk = converse(self.uplink, self.state, self.clock, carrier, self.status)
        return self._and_update(talk, carrier)

    def _and_update(self, talk, carrier):
        """The conversation `talk`, and a look for updates whenever the node has introduced itself in it."""
        introduced_s = self.state.status_s
        ended = yield from talk
        if self.state.status_s != introduced_s and not self.leaving:
            from node import offers

            offers.look(self, carrier)
        return ended

    def told(self, heard):
        """A conversation is over; `heard`: the gateway answered, None: there was nothing to ask.

        New settings prove themselves by that, or do not.
        """
        if self._uplink is not None and self._uplink.arrived and self.config["power"] == "mains":
            self.remember()
            machine.reset()  # to start with the new settings; a battery node does at its next wake
        if self.config.get("fallback"):
            from node import choice

            choice.told(self, heard)
        if heard is None:
            return
        if heard and self.events and self._tells and not self.uplink.wants_status:
            self.events.told_to = self._me.store
        if slots.trial:
            self._prove(heard)
        state, me = self.state, self._me
        proved = self._found.hash == me.good
        if heard:
            state.failures = state.trial = 0
            if not proved and self._found.fresh:
                settings.keep()
                me.good = self._found.hash
                me.save()
                from node import spare

                if not spare.keep(me.good):
                    state.count(control.FLASH)
        else:
            state.failures = min(state.failures + 1, 0xFFFF)
            state.count(control.SILENT)
            if not proved:
                state.trial = min(state.trial + 1, 0xFF)

    def _prove(self, heard):
        """A program on trial proves itself by a value and the gateway's own answer to its STATUS, in time."""
        if heard and self.healthy and not self.uplink.wants_status:
            slots.confirm()
            log("update confirmed")
        elif self.clock.now_ms() - self.began_ms > TRIAL_MS:
            self.remember()
            machine.reset()

    def done(self):
        """This start has done what it was for."""
        self.state.starts = 0
        if self._me.unfinished:
            self._me.unfinished = 0
            self._me.save()

    def remember(self):
        """Keep the state over the next sleep or reset."""
        machine.RTC().memory(self.state.pack())


def _unprovisioned(error, cause):
    """Return None, the prompt, where somebody has just switched the node on, else a long sleep."""
    log(repr(error))
    return None if cause[0] == _PWRON_RESET else UNPROVISIONED_MS


def main(watchdog):
    """Live through one start; return the milliseconds to sleep after it, or None to open the prompt.

    A mains node stays in here. What escapes as an error is counted by not coming to the end: see guard.py.
    """
    gc.threshold(GARBAGE)
    raw = machine.RTC().memory()
    state = retained.unpack(raw)
    cold = state is None
    if state is None:
        state = retained.Retained()
    cause = machine.reset_cause(), machine.wake_reason()
    try:
        found = settings.load()
    except OSError as error:
        from node import spare

        if not spare.restore():
            return _unprovisioned(error, cause)
        found = settings.load()
    config = found.values
    if config.get("role") == "bridge":
        from node.bridge import run

        return run(config, watchdog)
    if config.get("role") == "stimulus":
        from node.stimulus import run as play

        return play(config, watchdog)
    hardware = Hardware()
    supply = power.Supply(hardware, config["channels"])
    limits = config.get("battery")
    if limits:
        mv = supply.look_mv()
        if cold and not power.may_start(mv, limits):
            log("battery", mv, "mV: too low to start")
            return power.STOP_S * 1000
        if not cold:
            state.level = power.level(state.level, mv, limits)
            if state.level == power.STOP:
                log("battery", mv, "mV: only sleeping")
                state.count(control.BATTERY_LOW)
                state.starts = 0  # waiting for a battery is no failure
                machine.RTC().memory(state.pack())
                return power.STOP_S * 1000
    asked = 0  # to work
    if cold or cause[1] in _BUTTON_WAKES:
        from node import shelf

        asked = shelf.asked_for(cause[1] in _BUTTON_WAKES, hardware, config)
        if asked == shelf.SHELF:
            power.let_button_wake(config.get("button"))
            return 0
    try:
        me = identity.load()
    except identity.Unprovisioned:
        me = None
    if me is None or cause[0] != _DEEPSLEEP_RESET:
        from node import root

        before = state
        me, state = root.settle(me, state)
        if me is None:
            return _unprovisioned("no identity: provision this node", cause)
        cold = cold or state is not before
    if cold:
        me.boot(state)
    state.wakes += 1
    state.starts = guard.counted(state.starts)
    if not cold and cause[0] != _DEEPSLEEP_RESET:
        state.counter = state.reserved  # frames may have gone out since it last remembered
    if cause[0] == _WDT_RESET:
        state.count(control.WATCHDOG)
    if not cold and state.starts > 1:
        state.count(control.CRASHED)
    node = Node(found, me, state, hardware, supply, watchdog, cause)
    if cold:
        state.lit_s = node.clock.now_ms() // 1000 + LIT_S
        node.backlog.recover(os.urandom)
        log("cold boot", me.boots, "epoch", state.epoch, "records", state.oldest, "to", state.next_seq)
    elif node.called:
        state.lit_s = node.clock.now_ms() // 1000 + LIT_S
    if slots.reverted:
        state.count(control.REVERTED)
    node.remember()
    if asked == LEAVING:
        from node import battery
        from node.lamp import Lamp

        node.lamp = Lamp(hardware, config.get("led"))
        sleep_ms = battery.leave(node)
        power.let_button_wake(config.get("button"))
        return sleep_ms
    rest_s = guard.rest_s(me.unfinished) if cold else 0
    if rest_s:
        log("cold boot", me.unfinished, "without an end: resting", rest_s, "s")
        return rest_s * 1000
    if retained.ARRIVED in state.notes:
        from node import adoption

        adoption.adopt(node)
        return RESTART_MS
    if found.hash != me.good:
        state.status_s = 0  # the gateway is to hear which settings are tried
    safe = guard.safe(state.starts)
    if found.hash != me.good and (safe or state.trial >= settings.TRIALS) and settings.give_up():
        log("settings given up: going back to those that worked")
        state.count(control.REVERTED)
        state.trial = state.starts = state.status_s = 0
        node.remember()
        return RESTART_MS
    if asked:
        from node import hotspot

        sleep_ms = hotspot.visit(node)
        power.let_button_wake(config.get("button"))
        return sleep_ms
    if config["power"] == "mains" or state.lit_s > node.clock.now_ms() // 1000:
        from node.lamp import Lamp

        node.lamp = Lamp(hardware, config.get("led"))
    if safe:
        from node import battery

        log("safe mode:", state.starts, "starts without an end")
        sleep_ms = battery.stay_in_touch(node)
    elif config["power"] == "mains":
        from node import mains

        mains.run(node)
        return RESTART_MS
    else:
        from node import battery

        sleep_ms = battery.wake(node)
    power.let_button_wake(config.get("button"))
    return sleep_ms
