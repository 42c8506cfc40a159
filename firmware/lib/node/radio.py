"""The node's LoRa radio, wired: modem, airtime and habits, kept over sleeps in one note of RTC memory."""

import os

import machine

from node import lora_talk, retained
from node.airtime import Airtime
from node.carriers.lora import Lora

SPI_HZ = 4000000
TCXO_START_US = 5000


def open_modem(pins, config):
    """Return the modem on `pins` (the board's sx1262), set for `config`. Raises OSError."""
    from drivers.sx126x import SX1262

    pin = machine.Pin
    spi = machine.SPI(
        pins["spi"], baudrate=SPI_HZ, sck=pin(pins["sck"]), mosi=pin(pins["mosi"]), miso=pin(pins["miso"])
    )
    modem = SX1262(
        spi,
        pin(pins["cs"]),
        pin(pins["busy"]),
        pin(pins["dio1"]),
        pins["dio2_rf_switch"],
        pins["tcxo_mv"] or None,
        TCXO_START_US,
        pin(pins["reset"]),
        config,
    )
    modem.calibrate_image()
    return modem


def _random():
    return os.urandom(1)[0]


class Radio:
    """What the node knows of its use of the air."""

    def __init__(self, node):
        self._node = node
        self.airtime = Airtime()
        self.habits = lora_talk.Habits()
        note = node.state.notes.get(retained.AIRTIME)
        if note is None:
            self.airtime.start_cold(self._now_s())
        else:
            self.habits.unpack(note)
            self.airtime.unpack(note[lora_talk.SIZE :])
        self.keep()

    def _now_s(self):
        return self._node.clock.now_ms() // 1000

    def keep(self):
        """Write everything to RTC memory: what is sent next must not be forgotten by a reset."""
        self.airtime.refill(self._now_s())
        self._node.state.notes[retained.AIRTIME] = self.habits.pack() + self.airtime.pack()
        self._node.remember()

    def carrier(self):
        """Return the carrier. Raises OSError where there is no working radio."""
        config = self._node.way
        modem = open_modem(
            config["sx1262"],
            {
                "freq_khz": config["channels_khz"][0],
                "sf": config["spreading_factor"],
                "bw": str(config["bandwidth_khz"]),
                "output_power": config["power_dbm"],
                "invert_iq_rx": True,
            },
        )
        # A mains node has other tasks; on a battery the wait for an answer costs more than the answer.
        sleep_ms = machine.lightsleep if self._node.config["power"] == "battery" else None
        feel = self._node.feel_load if "battery" in self._node.config else None
        return Lora(modem, config, self.airtime, self._now_s, self.keep, _random, sleep_ms, feel)

    def converse(self, carrier, urgent):
        """Have a conversation over `carrier`; what it learned is kept at its end."""
        node = self._node
        talk = lora_talk.converse(
            node.uplink, node.state, node.clock, carrier, node.status, self.habits, urgent
        )
        try:
            return (yield from talk)
        finally:
            self.keep()
