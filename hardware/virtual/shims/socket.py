# The host's sockets behind the node's Wi-Fi: without a connection no address resolves, as on the ESP32.
import network as _network
from usocket import *
from usocket import getaddrinfo as _getaddrinfo


def getaddrinfo(*args):
    if not _network.WLAN(_network.STA_IF).isconnected():
        raise OSError(-202)
    return _getaddrinfo(*args)
