"""The technician's hotspot: where a node whose radio is too slow for programs takes one, on a press.

The settings name the hotspot: {"ssid", "wifi_password", "port"}. The node joins it and takes what the broker
at the hotspot's own address offers, just as over Wi-Fi: see offers.py. It tells that broker no secret and
believes it nothing: what counts is the signature. What it took is on trial until the gateway has answered
it over its own carrier.
"""

import machine

from node import RESTART_MS, log, offers, power, wifi
from node.carriers.mqtt import Mqtt
from node.lamp import LONG_MS, Lamp

JOIN_MS = 30000  # a telephone needs some of that to find its own voice
SESSION_MS = 600000  # somebody waits beside it
_LOOKS = 1000 // wifi.POLL_MS  # at the Wi-Fi, between two flashes


def visit(node):
    """Take what is offered at the hotspot; return the milliseconds to sleep before the next, ordinary wake.

    Does not return where a new program is to start.
    """
    state, settings = node.state, node.config["hotspot"]
    state.starts -= 1  # this start was never meant to come to a measurement
    lamp = Lamp(node.hardware, node.config.get("led"))
    topic = "sn/%s/%d/said" % (node.config["site"], node.config["node"])
    carrier: "Mqtt | None" = None
    has_it = launched = False
    looks = 0

    def waiting():
        nonlocal looks
        node.watchdog.feed()
        if looks % _LOOKS == 0:
            lamp.blink(1)
        looks += 1

    def told(text):
        lamp.show(True)
        assert carrier is not None
        carrier.publish(topic, text.encode())

    try:
        if state.level != power.NORMAL:
            raise OSError("the battery is too low for it")
        wlan = wifi.join(settings, {}, JOIN_MS, waiting)
        node.watchdog.feed()
        node.feel_load()
        where = {"host": wlan.ifconfig()[2], "port": settings["port"]}
        carrier = Mqtt(where, node.config["site"], node.config["node"])
        carrier.open()
        said, launched = offers.take(node, carrier, SESSION_MS, told)
        has_it = launched or (said or "").startswith("runs")
        if said is None:
            said = "refused: there is no program for this node here, or it may not take one now"
            log("hotspot", said)
            carrier.publish(topic, said.encode())
    except Exception as error:  # a stranger's broker may send anything
        log("hotspot", repr(error))
    finally:
        if carrier is not None:
            carrier.close()
    lamp.dark()
    if has_it:
        lamp.blink(3, LONG_MS)
    else:
        lamp.blink(6)
    node.remember()
    if launched:
        machine.reset()
    return RESTART_MS
