"""Semtech SX1261/SX1262/SX1268 LoRa radio on SPI: DS.SX1261-2.W.APP rev. 2.1, section numbers below.

Its interface is that of the synchronous modem in micropython-lib (package lora-sync), so that either can
drive a node. Every wait has an end: a radio that hangs becomes an OSError, never a node that stands still.
"""

import time

from drivers.sx126x_line import XOSC_ERROR, Line, RadioError, named

# Commands (sections 11 and 13)
_CLEAR_ERRORS, _SET_DIO_IRQ, _WRITE_BUFFER, _GET_RX_BUFFER, _GET_PACKET = 0x07, 0x08, 0x0E, 0x13, 0x14
_READ_BUFFER, _STANDBY, _RX, _TX, _SLEEP, _FREQUENCY, _CALIBRATE = 0x1E, 0x80, 0x82, 0x83, 0x84, 0x86, 0x89
_PACKET_TYPE, _MODULATION, _PACKET, _TX_PARAMS, _BUFFER_BASE = 0x8A, 0x8B, 0x8C, 0x8E, 0x8F
_PA_CONFIG, _TCXO, _IMAGE, _RF_SWITCH = 0x95, 0x97, 0x98, 0x9D

_STANDBY_XOSC = 1
_REG_IQ, _REG_SYNC, _REG_TX_MODULATION, _REG_CLAMP = 0x0736, 0x0740, 0x0889, 0x08D8
_REG_RTC, _REG_EVENT = 0x0902, 0x0944

IRQ_TX_DONE, IRQ_RX_DONE, IRQ_HEADER, IRQ_CRC, IRQ_TIMEOUT = 0x01, 0x02, 0x20, 0x40, 0x200
_MODE, _STANDING = 0x70, (0x20, 0x30)  # of the status byte: STDBY_RC, STDBY_XOSC
_IRQ_SEEN = IRQ_TX_DONE | IRQ_RX_DONE | IRQ_CRC | IRQ_TIMEOUT
_IRQ_DIO1 = IRQ_TX_DONE | IRQ_RX_DONE | IRQ_TIMEOUT

_TCXO_MV = (1600, 1700, 1800, 2200, 2400, 2700, 3000, 3300)
_RAMP_US = (10, 20, 40, 80, 200, 800, 1700, 3400)
# kHz to the code of SetModulationParams (table 13-47)
_BANDWIDTHS = {7.8: 0, 10.4: 8, 15.6: 1, 20.8: 9, 31.25: 2, 41.7: 10, 62.5: 3, 125: 4, 250: 5, 500: 6}
# Highest power of a PA setting: duty cycle, hpMax (table 13-21, SX1262). Nominal power is 22 dBm in each.
_PA = ((14, 2, 2), (17, 2, 3), (20, 3, 5), (22, 4, 7))
# MHz up to which to calibrate the image, and the two arguments (table 9-2)
_IMAGE_BANDS = ((446, 0x6B, 0x6F), (510, 0x75, 0x81), (787, 0xC1, 0xC5), (870, 0xD7, 0xDB), (928, 0xE1, 0xE9))

_POLL_MS = 2
_SPARE_MS = 250  # how much longer than its airtime a transmission may seem to take
_TIMER_US_64 = 1000  # 15.625 µs times 64


class RxPacket(bytearray):
    """A received packet. `rssi` is in dBm, `snr` in quarters of a dB; `ticks_ms` when it was complete."""

    def __init__(self, payload=b""):
        super().__init__(payload)
        self.ticks_ms = None
        self.snr = None
        self.rssi = None
        self.valid_crc = None


class SX1262:
    """`cs`, `busy`, `dio1` and `reset` are pins, `dio1` and `reset` may be None.

    `dio2_rf_sw`: DIO2 turns the antenna switch. `dio3_tcxo_millivolts`: supply of a TCXO on DIO3, None for a
    plain crystal. `lora_cfg` is for `configure`. `ant_sw` has `rx()`, `tx(high_power)` and `idle()`, or is
    None. Raises RadioError where there is no working radio.
    """

    def __init__(
        self,
        spi,
        cs,
        busy,
        dio1,
        dio2_rf_sw=True,
        dio3_tcxo_millivolts=None,
        dio3_tcxo_start_time_us=1000,
        reset=None,
        lora_cfg=None,
        ant_sw=None,
    ):
        self._line = Line(spi, cs, busy)
        self._dio1 = dio1
        self._ant_sw = ant_sw
        self._asleep = True
        self._sending = self._receiving = False
        self._continuous = self._timed = False
        self._end = time.ticks_ms()  # by then it has to be over
        self._airtime_ms = 0
        self._rx_length = 0xFF
        self._freq_khz = 868100
        self._sf, self._bw, self._cr = 7, 125, 5
        self._power, self._ramp_us = 14, 40
        self._preamble, self._implicit, self._crc = 8, False, True
        self._invert_rx = self._invert_tx = False
        self.crc_errors = 0
        if dio1 is not None:
            dio1.init(dio1.IN)
        if reset is not None:
            reset.init(reset.OUT, value=0)
            time.sleep_ms(1)
            reset(1)
            time.sleep_ms(5)
        self._line.wake()
        self._asleep = False
        self._line.command(
            bytes((_CLEAR_ERRORS, 0, 0))
        )  # a TCXO without supply fails at power-on, as it must
        errors = self._line.errors() & ~XOSC_ERROR
        self._line.irq()
        if errors:
            raise RadioError("radio: error at start: " + named(errors))
        if dio2_rf_sw:
            self._line.command(bytes((_RF_SWITCH, 1)))
        if dio3_tcxo_millivolts:
            volts = 0
            while volts < 7 and _TCXO_MV[volts + 1] <= dio3_tcxo_millivolts:
                volts += 1
            delay = dio3_tcxo_start_time_us * 64 // _TIMER_US_64
            self._line.command(bytes((_TCXO, volts)) + delay.to_bytes(3, "big"))
        seen, dio = _IRQ_SEEN, _IRQ_DIO1
        self._line.command(bytes((_SET_DIO_IRQ, seen >> 8, seen & 255, dio >> 8, dio & 255, 0, 0, 0, 0)))
        self._line.clear_irq()
        self._line.command(bytes((_PACKET_TYPE, 1)))
        config = {"syncword": 0x12}
        config.update(lora_cfg or {})
        self._configured = False
        self.configure(config)

    # Settings

    def configure(self, lora_cfg):
        """Take over what `lora_cfg` names, and write it.

        Keys: freq_khz, sf, bw (kHz, or its text), coding_rate (5 to 8), output_power (dBm), pa_ramp_us,
        preamble_len, implicit_header, crc_en, syncword, invert_iq_rx, invert_iq_tx.
        """
        if self._sending or self._receiving:
            raise RuntimeError("the radio is busy")
        first, self._configured = not self._configured, True
        get = lora_cfg.get
        self._implicit = get("implicit_header", self._implicit)
        self._crc = get("crc_en", self._crc)
        self._preamble = get("preamble_len", self._preamble)
        self._invert_rx = get("invert_iq_rx", self._invert_rx)
        self._invert_tx = get("invert_iq_tx", self._invert_tx)
        if first or "freq_khz" in lora_cfg:
            self._freq_khz = get("freq_khz", self._freq_khz)
            steps = (self._freq_khz << 25) // 32000  # of 32 MHz / 2^25
            self._line.command(bytes((_FREQUENCY,)) + steps.to_bytes(4, "big"))
        if "syncword" in lora_cfg:
            # Four bits each stand in the two bytes of the register, the others are 4 (section 12.1).
            word = lora_cfg["syncword"]
            self._line.write(_REG_SYNC, ((word & 0xF0) << 8 | (word & 0x0F) << 4 | 0x0404).to_bytes(2, "big"))
        if first or "output_power" in lora_cfg or "pa_ramp_us" in lora_cfg:
            self._power = get("output_power", self._power)
            self._ramp_us = get("pa_ramp_us", self._ramp_us)
            self._write_power()
        if first or "sf" in lora_cfg or "bw" in lora_cfg or "coding_rate" in lora_cfg:
            self._sf = get("sf", self._sf)
            self._bw = _bandwidth(get("bw", self._bw))
            self._cr = get("coding_rate", self._cr)
            if not (5 <= self._sf <= 12 and 5 <= self._cr <= 8):
                raise ValueError("spreading factor 5 to 12, coding rate 5 to 8")
            code = _BANDWIDTHS[self._bw]
            self._line.command(bytes((_MODULATION, self._sf, code, self._cr - 4, self._slow())))
        if first:
            self._line.change(_REG_CLAMP, 0x1E, 0x1E)  # section 15.2: the PA clamps too early otherwise

    def _write_power(self):
        power = max(-9, min(22, self._power))
        limit, duty, maximum = _PA[-1]
        for setting in _PA:
            if power <= setting[0]:
                limit, duty, maximum = setting
                break
        self._line.command(bytes((_PA_CONFIG, duty, maximum, 0, 1)))
        self._line.command(bytes((_TX_PARAMS, 22 - limit + power & 0xFF, _RAMP_US.index(self._ramp_us))))

    def _slow(self):
        """Low data rate optimisation: 1 where a symbol lasts 16 ms or more (section 6.1.1.4)."""
        return 1 if (1 << self._sf) >= 16 * self._bw else 0

    def calibrate(self):
        """Calibrate everything."""
        self._line.command(bytes((_CALIBRATE, 0x7F)))
        self._line.wait()

    def calibrate_image(self):
        """Calibrate image rejection for the frequency set: the radio starts with that of 902 to 928 MHz."""
        mhz = self._freq_khz // 1000
        for top, first, last in _IMAGE_BANDS:
            if mhz <= top:
                self._line.command(bytes((_IMAGE, first, last)))
                self._line.wait()
                return

    def get_time_on_air_us(self, payload_len):
        """Airtime of a packet in µs (section 6.1.4; SF7 and up)."""
        slow, header = self._slow(), 0 if self._implicit else 20
        bits = 8 * payload_len + (16 if self._crc else 0) - 4 * self._sf + 8 + header
        per_block = 4 * (self._sf - 2 * slow)
        blocks = max(0, -(-bits // per_block))
        quarters = 4 * (self._preamble + 8 + blocks * self._cr) + 17
        return int(quarters * (250 << self._sf) // self._bw)

    # Sending

    def send(self, packet, tx_at_ms=None):
        """Send, at `tx_at_ms` if that is given; return when it was over (ticks_ms). Raises RadioError."""
        self.prepare_send(packet)
        if tx_at_ms is not None:
            left = time.ticks_diff(tx_at_ms, time.ticks_ms())
            if left > 0:
                time.sleep_ms(left)
        self.start_send()
        while True:
            done = self.poll_send()
            if done is not True:
                return done
            time.sleep_ms(_POLL_MS)

    def prepare_send(self, packet):
        """Make everything ready, so that `start_send` is quick."""
        if not 0 < len(packet) <= 255:
            raise ValueError("a packet has 1 to 255 bytes")
        self.standby()
        self._line.clear_irq()
        self._packet_params(len(packet), self._invert_tx)
        self._line.command(bytes((_BUFFER_BASE, 0, 0xFF)))
        self._line.command(bytes((_WRITE_BUFFER, 0)) + packet)
        # Section 15.1: bit 2 is 0 for 500 kHz, 1 for the others.
        self._line.change(_REG_TX_MODULATION, 4, 0 if self._bw == 500 else 4)
        self._airtime_ms = self.get_time_on_air_us(len(packet)) // 1000

    def start_send(self):
        """Begin to send what was prepared."""
        if self._ant_sw:
            self._ant_sw.tx(self._power > 14)
        self._line.command(bytes((_TX, 0, 0, 0)))
        self._end = time.ticks_add(time.ticks_ms(), self._airtime_ms + _SPARE_MS)
        self._sending = True
        self._line.wait()

    def poll_send(self):
        """Return True while it goes on, then when it was over (ticks_ms); False where nothing is sent."""
        if not self._sending:
            return False
        status, irq = self._line.irq()
        if irq & IRQ_TX_DONE:
            self._ended()
            return time.ticks_ms()
        if status & _MODE in _STANDING or time.ticks_diff(self._end, time.ticks_ms()) <= 0:
            self._fail("a packet was never sent")
        return True

    # Receiving

    def recv(self, timeout_ms=None, rx_length=0xFF, rx_packet=None):
        """Return the packet that arrives, None after `timeout_ms` without one. Raises RadioError."""
        self.start_recv(timeout_ms, False, rx_length)
        while True:
            found = self.poll_recv(rx_packet)
            if found is False:
                return None
            if found is not True:
                return found
            time.sleep_ms(_POLL_MS)

    def start_recv(self, timeout_ms=None, continuous=False, rx_length=0xFF):
        """Begin to listen; `continuous`: go on after a packet. The time-out ends when a header is heard."""
        self.standby()
        self._line.clear_irq()
        self._line.command(bytes((_BUFFER_BASE, 0xFF, 0)))
        self._packet_params(rx_length, self._invert_rx)
        self._rx_length = rx_length
        if continuous:
            steps = 0xFFFFFF
        elif timeout_ms is None:
            steps = 0
        else:
            steps = max(1, min(timeout_ms * 64, 0xFFFFFE))
        if self._ant_sw:
            self._ant_sw.rx()
        self._line.command(bytes((_RX,)) + steps.to_bytes(3, "big"))
        self._receiving = True
        self._continuous = continuous
        self._timed = 0 < steps < 0xFFFFFF
        longest_ms = self.get_time_on_air_us(255) // 1000 + _SPARE_MS
        self._end = time.ticks_add(time.ticks_ms(), longest_ms + steps // 64)

    def poll_recv(self, rx_packet=None):
        """Return True while it listens, False when the time is over, or the packet."""
        if not self._receiving:
            return False
        status, irq = self._line.irq()
        if irq & IRQ_RX_DONE:
            heard_at = time.ticks_ms()
            packet = None
            if irq & IRQ_CRC and self._crc:
                self.crc_errors += 1
            else:
                packet = self._read_packet(heard_at, rx_packet)
            if self._continuous:
                self._line.clear_irq()
            else:
                self._ended()
            return self._continuous if packet is None else packet
        if irq & IRQ_TIMEOUT:
            self._ended()
            return False
        if status & _MODE in _STANDING or (self._timed and time.ticks_diff(self._end, time.ticks_ms()) <= 0):
            self._fail("it does not listen")
        return True

    def _fail(self, what):
        errors = self._line.errors()
        self._sending = self._receiving = False
        raise RadioError("radio: " + what + (": " + named(errors) if errors else ""))

    def _read_packet(self, heard_at, rx_packet):
        _, size, start = self._line.ask(_GET_RX_BUFFER, 3)
        if self._implicit:
            size = self._rx_length
        payload = self._line.transfer(bytes((_READ_BUFFER, start, 0)) + bytes(size))[3:]
        packet = RxPacket(payload)
        if rx_packet is not None:
            packet = rx_packet
            packet[:] = payload
        _, rssi, snr, _ = self._line.ask(_GET_PACKET, 4)
        packet.ticks_ms = heard_at
        packet.rssi = -(rssi >> 1)
        packet.snr = snr - 256 if snr > 127 else snr
        packet.valid_crc = True
        return packet

    def _ended(self):
        self._sending = self._receiving = False
        self._line.clear_irq()
        if self._timed:  # section 15.3: the timer of a timed receive goes on otherwise
            self._timed = False
            self._line.write(_REG_RTC, b"\x00")
            self._line.change(_REG_EVENT, 2, 2)
        if self._ant_sw:
            self._ant_sw.idle()

    # Modes

    def standby(self):
        """Stop whatever it does."""
        if self._asleep:
            self._line.wake()
            self._asleep = False
        self._sending = self._receiving = False
        self._timed = False
        if self._ant_sw:
            self._ant_sw.idle()
        self._line.command(bytes((_STANDBY, _STANDBY_XOSC)))

    def sleep(self, warm_start=True):
        """Sleep, with the settings kept if `warm_start`. Any other call wakes it."""
        self.standby()
        self._line.command(bytes((_SLEEP, 4 if warm_start else 0)))
        self._asleep = True
        if not warm_start:
            self._configured = False
        time.sleep_ms(1)  # it takes no notice of anything for half a millisecond

    def is_idle(self):
        return not (self._sending or self._receiving)

    def irq_triggered(self):
        """Whether DIO1 says that something has happened."""
        return bool(self._dio1 is not None and self._dio1())

    def _packet_params(self, size, invert):
        if self._invert_rx or self._invert_tx:
            self._line.change(_REG_IQ, 4, 0 if invert else 4)  # section 15.4
        preamble = self._preamble
        implicit, crc = 1 if self._implicit else 0, 1 if self._crc else 0
        args = (_PACKET, preamble >> 8, preamble & 255, implicit, size, crc, 1 if invert else 0)
        self._line.command(bytes(args))


def _bandwidth(bw):
    if isinstance(bw, str):
        bw = float(bw) if "." in bw else int(bw)
    if bw not in _BANDWIDTHS:
        raise ValueError("no such bandwidth")
    return bw
