# The station side of the ESP32 port's network module. Its packets are the host's own sockets.
from struct import unpack

import _board_link as _link
import _board_ops as _ops

STA_IF = 0
AP_IF = 1
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
AUTH_WPA3_PSK = 6

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

_settings = {"dhcp_hostname": "mpy-esp32", "reconnects": -1, "pm": 1, "txpower": 20.0}
_hostname = "mpy-esp32"
_country = "XX"
_LOCAL = ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
_NOTHING = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface_id=STA_IF):
        if interface_id not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        self._station = interface_id == STA_IF

    def _state(self):
        # radio on, status, dBm
        return unpack("<BHb", _link.call(_ops.WIFI_STATUS)) if self._station else (0, STAT_IDLE, 0)

    def active(self, on=None):
        if on is not None and self._station:
            _link.call(_ops.WIFI_ACTIVE, bytes((1 if on else 0,)))
        return bool(self._state()[0])

    def connect(self, ssid=None, key=None, *, bssid=None):
        _link.call(_ops.WIFI_CONNECT, (ssid or "").encode() + b"\0" + (key or "").encode())

    def disconnect(self):
        _link.call(_ops.WIFI_DISCONNECT)

    def isconnected(self):
        return self._state()[1] == STAT_GOT_IP

    def status(self, param=None):
        state = self._state()
        if param is None:
            return state[1]
        if param == "rssi":
            return state[2]
        raise ValueError("unknown status param")

    def scan(self):
        return []

    def ifconfig(self, fields=None):
        if fields is None:
            return _LOCAL if self.isconnected() else _NOTHING

    def ipconfig(self, name=None, **settings):
        if name is None:
            return None
        connected = self.isconnected()
        if name == "addr4":
            return (_LOCAL if connected else _NOTHING)[:2]
        if name in ("gw4", "dns"):
            return (_LOCAL if connected else _NOTHING)[2]
        if name in ("dhcp4", "has_dhcp4"):
            return True
        raise ValueError("unknown param")

    def config(self, name=None, **settings):
        if name is None:
            _settings.update(settings)
        elif name == "mac":
            return _settings.get("mac", _link.hello.unique_id)
        elif name in _settings:
            return _settings[name]
        else:
            raise ValueError("unknown config param")


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def country(code=None):
    global _country
    if code is None:
        return _country
    _country = code
