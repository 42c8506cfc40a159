"""Joining Wi-Fi, with an end.

DHCP takes longer than everything else a node does on the air, so the lease is used again for an hour: within
half of the shortest lease that is usual, when it would have to be renewed. A lease that led to no broker is
forgotten at once.
"""

import struct
import time

import network

from node.retained import LEASE

TIMEOUT_MS = 12000
LEASE_S = 3600
POLL_MS = 20
_FLOOR_DBM = -88  # about what the slowest rate still needs


def _now_s():
    return time.time_ns() // 1000000000 & 0xFFFFFFFF


def _pack(address):
    return bytes([int(part) for part in address.split(".")])


def _unpack(four):
    return ".".join([str(byte) for byte in four])


def _kept(notes):
    """Return (address, netmask, gateway, DNS server) that may be used again, or None."""
    note = notes.get(LEASE, b"")
    if len(note) != 20:
        return None
    age_s = _now_s() - struct.unpack("<I", note[:4])[0]
    if not 0 <= age_s < LEASE_S:
        return None
    return tuple([_unpack(note[i : i + 4]) for i in range(4, 20, 4)])


def forget(notes):
    """The lease did not serve: ask for another next time."""
    notes.pop(LEASE, None)


def join(config, notes, timeout_ms=TIMEOUT_MS, waiting=None):
    """Connect as `config` says (ssid, wifi_password, ip). Raises OSError after the time-out.

    `waiting()` is called every POLL_MS meanwhile.
    """
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    kept = None if config.get("ip") else _kept(notes)
    fixed = config.get("ip") or kept
    if not wlan.isconnected():
        if fixed:
            wlan.ifconfig(tuple(fixed))
        wlan.connect(config["ssid"], config["wifi_password"])
    end = time.ticks_add(time.ticks_ms(), timeout_ms)
    while not wlan.isconnected():
        if time.ticks_diff(end, time.ticks_ms()) <= 0:
            forget(notes)
            raise OSError("no Wi-Fi: %s did not let this node in" % config["ssid"])
        if waiting:
            waiting()
        time.sleep_ms(POLL_MS)
    if not fixed:
        parts = wlan.ifconfig()
        notes[LEASE] = struct.pack("<I", _now_s()) + b"".join([_pack(part) for part in parts])
    return wlan


def margin_db():
    """How much weaker the access point could be and still be heard, in dB."""
    return network.WLAN(network.STA_IF).status("rssi") - _FLOOR_DBM
