"""Numbers that survive resets and power cuts, for drivers that count."""

import struct

import esp32

_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND


class Kept:
    """A whole number in the ESP32's non-volatile storage, which writes in turn to all of its flash: a few
    thousand changes a year are nothing to it."""

    def __init__(self, name):
        self._name = name  # at most 15 letters
        self._nvs = esp32.NVS("kept")

    def get(self):
        """Return the number, None where there never was one. Raises OSError."""
        raw = bytearray(8)
        try:
            self._nvs.get_blob(self._name, raw)
        except OSError as error:
            if error.args[0] != _NOT_FOUND:
                raise  # or the count would begin anew because of a bad read
            return None
        return struct.unpack("<Q", raw)[0]

    def set(self, value):
        """Keep the number; it is safe on return. Raises OSError."""
        self._nvs.set_blob(self._name, struct.pack("<Q", value))
        self._nvs.commit()
