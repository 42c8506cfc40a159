# Stock ESP32 firmware offers ECB and CBC only.
from ucryptolib import aes as _aes


def aes(key, mode, *args):
    if mode not in (1, 2):
        raise ValueError("mode")
    return _aes(key, mode, *args)
