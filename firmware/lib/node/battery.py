"""One wake of a battery node: sense, store, send, listen. The caller then sleeps.

The watchdog is fed between the steps, each of which has an end below its 60 s: sensors 10 s, Wi-Fi 12 s,
broker 4 steps of 5 s, conversation 20 s.
"""

import gc
import time

from node import log, power

CONVERSATION_MS = 20000
SHORTEST_SLEEP_MS = 100
SAFE_MS = 1800000


def wake(node):
    """Live through one wake; return the milliseconds to sleep until the next."""
    started = time.ticks_ms()
    state = node.state
    try:
        row, urgent = node.sample()
        node.watchdog.feed()
        try:
            log("record", node.backlog.append([row]), row[2])
        except OSError as error:
            node.flash_failed(error)
        if node.lamp:
            node.lamp.blink(1)
        node.remember()
        active = node.watch.active
        node.put_sensors_away()
        gc.collect()
        if state.level == power.NORMAL or urgent or node.called or state.wakes % power.SEND_EVERY == 0:
            _report(node, urgent=urgent)
        node.done()
    finally:
        node.remember()
    spent = time.ticks_diff(time.ticks_ms(), started)
    return max(interval_s(node.config, state.level, active) * 1000 - spent, SHORTEST_SLEEP_MS)


def interval_s(config, level, active):
    """Seconds between two wakes: shorter while an event goes on, longer while the battery is low."""
    interval = config["interval_s"]
    if level == power.STOP:
        return max(interval, power.STOP_S)
    if level != power.NORMAL:
        return interval if active else 2 * interval
    if active and config.get("event_interval_s"):
        return min(interval, config["event_interval_s"])
    return interval


def stay_in_touch(node):
    """Safe mode: no sensors, but the gateway hears of it and can help. Returns the milliseconds to sleep."""
    try:
        _report(node, introduce=True)
    finally:
        node.remember()
    return SAFE_MS


def leave(node):
    """Tell the gateway that the node goes to the shelf. Returns 0, a sleep without a timer.

    It goes there whatever comes of that: if nobody heard of it, it is missed like any node that falls silent.
    """
    node.leaving = True
    try:
        _report(node, introduce=True)
        node.done()
    except Exception as error:
        log("shelf", repr(error))
    finally:
        node.remember()
    return 0


def _report(node, introduce=False, urgent=False):
    """Have one conversation; `urgent`: something happened that somebody should know."""
    end = time.ticks_add(time.ticks_ms(), CONVERSATION_MS)
    carrier = None
    heard = all_told = False
    try:
        carrier = node.carrier(urgent)
        node.watchdog.feed()
        carrier.open()
        node.watchdog.feed()
        gc.collect()  # what is loaded for the conversation goes where the carrier's beginning left garbage
        if introduce or node.called:  # an answer is certain to be asked for
            node.uplink.wants_status = True
        talk = node.talk(carrier, urgent or introduce or node.called)
        wait_ms = next(talk)
        if node.way["kind"] != "lora":  # whose carrier feels it while it sends
            node.feel_load()
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            frame = carrier.receive(wait_ms)
            heard = heard or frame is not None
            wait_ms = talk.send(frame)
    except StopIteration as ended:
        all_told = ended.value
    except OSError as error:
        log("carrier", repr(error))
        if node.way["kind"] != "lora":
            node.feel_load()
    finally:
        node.watchdog.feed()
        node.told(True if heard else None if all_told else False)
        if node.lamp and (heard or not all_told):  # by radio it asks only now and then
            margin_db = getattr(carrier, "margin_db", None)
            node.lamp.heard(heard, margin_db() if heard and margin_db else None)
        if carrier is not None:
            carrier.close()
