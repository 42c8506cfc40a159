"""Joining Wi-Fi, with an end."""

import time

import network

TIMEOUT_MS = 12000


def join(config):
    """Connect as `config` says (ssid, wifi_password, ip). Raises OSError after the time-out."""
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    if config["ip"]:
        wlan.ifconfig(tuple(config["ip"]))
    if not wlan.isconnected():
        wlan.connect(config["ssid"], config["wifi_password"])
    end = time.ticks_add(time.ticks_ms(), TIMEOUT_MS)
    while not wlan.isconnected():
        if time.ticks_diff(end, time.ticks_ms()) <= 0:
            raise OSError("no Wi-Fi: %s did not let this node in" % config["ssid"])
        time.sleep_ms(20)
    return wlan


def leave():
    network.WLAN(network.STA_IF).active(False)
