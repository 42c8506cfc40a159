"""LoRa: frames out by a modem with the interface of micropython-lib's, answers in one short window.

After the end of an uplink the gateway's answer begins `answer_delay_ms` later, on the downlink channel. The
node sleeps until then and listens for just as long as an answer's header takes.
"""

import time

from wire.airtime import FRAME_MAX, airtime_ms, header_ms, sub_band

EARLY_MS = 25  # before an answer can begin: the radio's start, and the two ends' clocks
LATE_MS = 60  # after it should have begun: a gateway that is slow to switch over
TURN_MS = 100  # after an answer: a bridge, which has one radio, is not yet listening again
POLL_MS = 3
JITTER_BYTES = 222  # the wait before a conversation is at most what a packet of this size takes ...
JITTER_MS = 2000  # ... or this
NOISE_DBM = -117  # of a 125 kHz channel with a receiver's own 6 dB
# Signal-to-noise ratio each spreading factor needs, in quarters of a dB (SX1262 data sheet, section 6.1.1)
_LIMITS_QDB = {7: -30, 8: -40, 9: -50, 10: -60, 11: -70, 12: -80}


class Lora:
    """One node's radio. `keep()` is called when airtime has been entered, before any of it is used.

    `clock_s()` gives the seconds the airtime is kept by, `random()` a byte, `sleep_ms` may stop the CPU,
    `under_load()` is called while a frame is on the air.
    """

    def __init__(self, modem, config, airtime, clock_s, keep, random, sleep_ms=None, under_load=None):
        self._modem = modem
        self._config = config
        self._airtime = airtime
        self._clock_s = clock_s
        self._keep = keep
        self._random = random
        self._sleep_ms = sleep_ms or time.sleep_ms
        self._under_load = under_load
        self._channels = config["channels_khz"]
        self._bands = [sub_band(khz, config["bandwidth_khz"]) for khz in self._channels]
        self._down_sf = 0
        self._opens = None  # ticks at which the window opens, None: nothing is to be waited for
        self._listening = False
        self._turned = None  # ticks before which whoever answered may be deaf
        self._heard = None  # (RSSI in dBm, SNR in quarters of a dB, spreading factor) of the last answer
        self.use_slow(False)

    def use_slow(self, slow):
        """Use the spreading factor to fall back on, where the site has one."""
        config = self._config
        self._sf = config["spreading_factor"]
        if slow and config.get("fallback_spreading_factor"):
            self._sf = config["fallback_spreading_factor"]
        self.frame_max = FRAME_MAX[self._sf]
        bw = config["bandwidth_khz"]
        self.answer_ms = config["answer_delay_ms"] + LATE_MS + airtime_ms(255, self._sf, bw)

    def _airtime_of(self, size):
        return airtime_ms(size, self._sf, self._config["bandwidth_khz"])

    def _spare(self):
        """Return the ms of airtime to spare in each channel's sub-band."""
        now_s = self._clock_s()
        return [self._airtime.spare_ms(band, now_s) for band in self._bands]

    def room(self, size=0):
        """Return `size`, or the longest data frame, where there is airtime for it; else 0."""
        size = size or self.frame_max
        return size if self._airtime_of(size) <= max(self._spare()) else 0

    def frames(self, permille, most_ms):
        """Return how many of the longest frames fit `permille` of the airtime to spare.

        Together they take at most `most_ms`; one may take longer.
        """
        each = self._airtime_of(self.frame_max)
        return min(max(self._spare()) * permille // 1000 // each, max(1, most_ms // each))

    def open(self):
        """Wait for a while drawn at random: nodes that woke together must not collide for ever."""
        self._sleep_ms(self._random() * min(self._airtime_of(JITTER_BYTES), JITTER_MS) >> 8)

    def send(self, frame):
        """Send one frame. Raises OSError where the radio fails or airtime is used up."""
        ms = self._airtime_of(len(frame))
        free = [i for i, spare in enumerate(self._spare()) if spare >= ms]
        if not free:
            raise OSError("no airtime left")
        drawn = free[self._random() % len(free)]
        self._airtime.spend(self._bands[drawn], self._clock_s(), ms)
        self._keep()
        self._listening = False
        self._await_turn()
        self._modem.configure({"freq_khz": self._channels[drawn], "sf": self._sf})
        ended = self._transmit(frame)
        self._opens = time.ticks_add(ended, self._config["answer_delay_ms"] - EARLY_MS)

    def _await_turn(self):
        if self._turned is not None:
            left_ms = time.ticks_diff(self._turned, time.ticks_ms())
            self._turned = None
            if 0 < left_ms <= TURN_MS:  # else it was long ago, and ticks have come round
                self._sleep_ms(left_ms)

    def _transmit(self, frame):
        """Send one packet; return when it was over, in ticks."""
        modem = self._modem
        if self._under_load is None:
            return modem.send(frame)
        modem.prepare_send(frame)
        modem.start_send()
        self._under_load()
        ended = True
        while ended is True:  # the modem gives up by itself
            time.sleep_ms(POLL_MS)
            ended = modem.poll_send()
        return ended

    def receive(self, timeout_ms):
        """Return the answer to the last frame sent, or None: after `timeout_ms`, or when there is none."""
        end = time.ticks_add(time.ticks_ms(), timeout_ms)
        while self._opens is not None:
            left = time.ticks_diff(end, time.ticks_ms())
            if not self._listening:
                early = time.ticks_diff(self._opens, time.ticks_ms())
                if early > 0:
                    if left <= 0:
                        return None
                    self._sleep_ms(min(early, left))
                    continue
                self._listen()
            found = self._modem.poll_recv()
            if found is False:
                self._opens = None
            elif found is not True:
                self._opens = None
                self._heard = found.rssi, found.snr, self._down_sf
                self._turned = time.ticks_add(time.ticks_ms(), TURN_MS)
                return bytes(found)
            elif left <= 0:
                return None
            else:
                time.sleep_ms(POLL_MS)
        self._listening = False
        return None

    def _listen(self):
        config = self._config
        self._down_sf = self._sf
        self._modem.configure({"freq_khz": config["downlink_khz"], "sf": self._down_sf})
        self._modem.start_recv(EARLY_MS + LATE_MS + header_ms(self._down_sf, config["bandwidth_khz"]))
        self._listening = True

    def margin_db(self):
        """Return by how many dB the last answer was stronger than it had to be, None: there was none."""
        if self._heard is None:
            return None
        rssi, snr, sf = self._heard
        limit = _LIMITS_QDB[sf]
        # A strong signal's SNR is not measured beyond some 10 dB: there the level says more.
        return max((snr - limit) // 4, rssi - NOISE_DBM - limit // 4 if snr > 20 else -99)

    def ping(self):
        """There is no connection that would have to be kept open."""

    def close(self):
        """Let the radio sleep; its settings are not needed again."""
        self._opens = None
        try:
            self._modem.sleep(False)
        except OSError:
            pass  # a radio that does not answer can not be put to sleep either
