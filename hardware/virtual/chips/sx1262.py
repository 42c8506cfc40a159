"""SX1262, a LoRa radio on SPI, with its TCXO on DIO3. Semtech DS.SX1261-2.W.APP rev. 2.1."""

from collections.abc import Callable
from enum import IntEnum

from hardware.virtual.chips.chip import Chip, Fault, Witness
from hardware.virtual.clock import Appointment
from hardware.virtual.radio.medium import AirClock, Antenna, Modulation, Reception, Signal
from hardware.virtual.radio.physics import noise_dbm

TX_DONE, RX_DONE, HEADER_VALID, CRC_ERROR, TIMEOUT = 0x01, 0x02, 0x10, 0x40, 0x200
XOSC_ERROR = 0x20
_BANDWIDTHS_KHZ = {4: 125, 5: 250, 6: 500}
# Duty cycle and hpMax of SetPaConfig to the power that nominal 22 dBm then is (table 13-21).
_PA_DBM = {(2, 2): 14, (2, 3): 17, (3, 5): 20, (4, 7): 22}
_TIMER_S = 15.625e-6
_WARM_WAKE_S, _COLD_WAKE_S, _CALIBRATION_S, _PLL_S = 340e-6, 3.5e-3, 3.5e-3, 100e-6
_REGISTERS = {0x0736: 0x0D, 0x0740: 0x14, 0x0741: 0x24, 0x0889: 0x01, 0x08D8: 0xC8, 0x0902: 0, 0x0944: 0}


class Mode(IntEnum):
    """As in the status byte; asleep it gives none."""

    SLEEP = 0
    RC = 2
    XOSC = 3
    RX = 5
    TX = 6


class _Output:
    """A pin that the chip drives and may change on its own."""

    def __init__(self, level: Callable[[], int]) -> None:
        self.level = level
        self._listener: Callable[[int], None] | None = None
        self._last = 0

    def driven(self, level: int | None) -> None:
        """The chip drives this pin; what the node does to it changes nothing."""

    def listen(self, listener: Callable[[int], None] | None) -> None:
        self._listener = listener

    def changed(self) -> None:
        level = self.level()
        if level != self._last and self._listener:
            self._listener(level)
        self._last = level


class _Reset:
    """NRESET, active low, with a pull-up."""

    def __init__(self, reset: Callable[[], None]) -> None:
        self._reset = reset
        self._level = 1

    def level(self) -> int:
        return self._level

    def driven(self, level: int | None) -> None:
        self._level = 1 if level is None else level
        if not self._level:
            self._reset()


class Sx1262(Chip):
    """`busy`, `dio1` and `reset` are its pins. `tcxo_start_s`: what the module's TCXO needs; 0: a crystal.

    `violations` counts commands sent while BUSY was high, `mode_s` the seconds spent in each mode. Faults:
    DISCONNECTED (nothing answers, BUSY floats high) and STUCK (BUSY stays high).
    """

    def __init__(
        self,
        antenna: Antenna,
        clock: AirClock,
        *,
        tcxo_start_s: float = 2e-3,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(witness)
        self._antenna = antenna
        self._clock = clock
        self._tcxo_start_s = tcxo_start_s
        self.busy = _Output(self._busy_level)
        self.dio1 = _Output(lambda: int(bool(self._irq & self._dio1_mask)))
        self.reset = _Reset(self._start)
        self.violations = 0
        self.mode = Mode.SLEEP
        self.mode_s = dict.fromkeys(Mode, 0.0)
        self._since_s = clock.monotonic_s()
        self._busy_until_s = 0.0
        self._timers: list[Appointment] = []
        self._frame = b""
        self._deaf = False
        self._start()

    def power_on(self) -> None:
        super().power_on()
        self._start()

    def power_off(self) -> None:
        super().power_off()
        self._enter(Mode.SLEEP)
        self._antenna.listen(None)

    def _start(self) -> None:
        """After power or reset: registers at their defaults. A TCXO without supply has failed by then."""
        self._registers = dict(_REGISTERS)
        self._buffer = bytearray(256)
        self._irq = self._irq_mask = self._dio1_mask = 0
        self._errors = XOSC_ERROR if self._tcxo_start_s else 0
        self._command_status = 0
        self._tcxo_delay_s = 0.0
        self._frequency_khz, self._sf, self._bw_khz = 434_000, 7, 125
        self._pa, self._nominal_dbm = (4, 7), 14
        self._size, self._crc, self._inverted = 0, False, False
        self._tx_base = self._rx_base = 0
        self._rx_size = self._rx_start = self._rssi = self._snr = 0
        self._continuous = False
        self._warm = True
        self._enter(Mode.RC)
        self._antenna.listen(None)
        self._occupy(_COLD_WAKE_S)

    def _enter(self, mode: Mode) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        now_s = self._clock.monotonic_s()
        if self.powered:
            self.mode_s[self.mode] += now_s - self._since_s
        self.mode, self._since_s = mode, now_s

    def _busy_level(self) -> int:
        if not self.answers or self.fault is Fault.STUCK or self.mode is Mode.SLEEP:
            return 1
        return int(self._clock.monotonic_s() < self._busy_until_s)

    def _occupy(self, seconds: float) -> None:
        self._busy_until_s = self._clock.monotonic_s() + seconds

    # The bus

    def select(self, selected: bool) -> None:
        if not self.answers:
            return
        if selected:
            self._frame = b""
            self._deaf = bool(self._busy_level())
            if self.mode is Mode.SLEEP:
                if not self._warm:
                    self._start()
                self._enter(Mode.RC)
                self._occupy(_WARM_WAKE_S if self._warm else _COLD_WAKE_S)
        elif self._frame and self._deaf:
            self.violations += 1
        elif self._frame:
            self._execute(self._frame[0], self._frame[1:])
            self.dio1.changed()

    def transfer(self, content: bytes) -> bytes:
        if not self.answers or self._deaf:
            self._frame += content
            return b"\xff" * len(content)
        begin = len(self._frame)
        self._frame += content
        answer = self._answer(self._frame)
        return (answer + bytes([self._status()]) * len(self._frame))[begin : len(self._frame)]

    def _status(self) -> int:
        return self.mode << 4 | self._command_status << 1

    def _answer(self, frame: bytes) -> bytes:
        """What the chip shifts out from the first byte of a frame on, as far as it is not the status."""
        status, op = self._status(), frame[0]
        if op == 0x12:
            return bytes((status, status)) + self._irq.to_bytes(2, "big")
        if op == 0x17:
            return bytes((status, status)) + self._errors.to_bytes(2, "big")
        if op == 0x13:
            return bytes((status, status, self._rx_size, self._rx_start))
        if op == 0x14:
            return bytes((status, status, self._rssi, self._snr, self._rssi))
        if op == 0x15:
            return bytes((status, status, round(-2 * noise_dbm(self._bw_khz))))
        if op == 0x1D and len(frame) > 3:
            first = frame[1] << 8 | frame[2]
            return bytes((status,) * 4) + bytes(self._registers.get(first + i, 0) for i in range(64))
        if op == 0x1E and len(frame) > 2:
            return bytes((status,) * 3) + bytes(self._buffer[(frame[1] + i) & 255] for i in range(256))
        return bytes((status,))

    # Commands

    def _execute(self, op: int, args: bytes) -> None:
        self._command_status = 0
        if op == 0x02:
            self._irq &= ~int.from_bytes(args[:2], "big")
        elif op == 0x07:
            self._errors = 0
        elif op == 0x08:
            self._irq_mask, self._dio1_mask = (int.from_bytes(args[i : i + 2], "big") for i in (0, 2))
        elif op == 0x0D:
            first = args[0] << 8 | args[1]
            self._registers.update({first + i: byte for i, byte in enumerate(args[2:])})
        elif op == 0x0E:
            for i, byte in enumerate(args[1:]):
                self._buffer[(args[0] + i) & 255] = byte
        elif op == 0x80:
            self._antenna.listen(None)
            self._enter(Mode.RC)
            if args[0] == 1 and self._start_xosc():
                self._enter(Mode.XOSC)
        elif op == 0x82:
            self._receive(int.from_bytes(args[:3], "big"))
        elif op == 0x83:
            self._send()
        elif op == 0x84:
            self._antenna.listen(None)
            self._warm = bool(args[0] & 4)
            self._enter(Mode.SLEEP)
        elif op == 0x86:
            self._frequency_khz = round(int.from_bytes(args[:4], "big") * 32000 / (1 << 25))
        elif op in (0x89, 0x98):
            self._occupy(_CALIBRATION_S)
        elif op == 0x8B:
            self._sf, self._bw_khz = args[0], _BANDWIDTHS_KHZ.get(args[1], 125)
        elif op == 0x8C:
            self._size, self._crc, self._inverted = args[3], bool(args[4]), bool(args[5])
        elif op == 0x8E:
            self._nominal_dbm = args[0] - 256 if args[0] > 127 else args[0]
        elif op == 0x8F:
            self._tx_base, self._rx_base = args[0], args[1]
        elif op == 0x95:
            self._pa = (args[0], args[1])
        elif op == 0x97:
            self._tcxo_delay_s = int.from_bytes(args[1:4], "big") * _TIMER_S

    def _start_xosc(self) -> bool:
        """Start the 32 MHz oscillator; a TCXO that gets no supply or too little time does not."""
        if self._tcxo_start_s and self._tcxo_delay_s < self._tcxo_start_s:
            self._errors |= XOSC_ERROR
            self._command_status = 5
            self._occupy(self._tcxo_delay_s)
            return False
        self._occupy(self._tcxo_delay_s + _PLL_S)
        return True

    def _modulation(self) -> Modulation:
        return Modulation(self._frequency_khz, self._sf, self._bw_khz, self._inverted)

    @property
    def power_dbm(self) -> int:
        """What comes out of the chip as it is set."""
        return _PA_DBM.get(self._pa, 22) - 22 + self._nominal_dbm

    def _send(self) -> None:
        self._antenna.listen(None)
        if self.mode is not Mode.XOSC and not self._start_xosc():
            return
        payload = bytes(self._buffer[(self._tx_base + i) & 255] for i in range(self._size))
        self._enter(Mode.TX)
        signal = self._antenna.send(self._modulation(), payload, self.power_dbm)
        self._timers.append(self._clock.call_later(signal.end_s - signal.start_s, self._sent))

    def _sent(self) -> None:
        self._enter(Mode.RC)
        self._command_status = 6
        self._raise(TX_DONE)

    def _receive(self, timeout: int) -> None:
        if self.mode is not Mode.XOSC and not self._start_xosc():
            return
        self._enter(Mode.RX)
        self._continuous = timeout == 0xFFFFFF
        modulation = self._modulation()
        self._antenna.on_header = self._header
        self._antenna.on_packet = self._packet
        self._antenna.listen(lambda other: other == modulation)
        if 0 < timeout < 0xFFFFFF:
            self._timers.append(self._clock.call_later(timeout * _TIMER_S, self._timed_out))

    def _timed_out(self) -> None:
        self._antenna.listen(None)
        self._enter(Mode.RC)
        self._command_status = 3
        self._raise(TIMEOUT)

    def _header(self, _: Signal) -> None:
        for timer in self._timers:  # the timer of a receive stops at the header (section 13.1.7)
            timer.cancel()
        self._raise(HEADER_VALID)

    def _packet(self, heard: Reception) -> None:
        payload = heard.signal.payload
        for i, byte in enumerate(payload):
            self._buffer[(self._rx_base + i) & 255] = byte if heard.intact else byte ^ 0x55
        self._rx_size, self._rx_start = len(payload), self._rx_base
        self._rssi = max(0, min(255, round(-2 * heard.rssi_dbm)))
        self._snr = max(-128, min(127, round(4 * heard.snr_db))) & 0xFF
        if not self._continuous:
            self._antenna.listen(None)
            self._enter(Mode.RC)
        self._command_status = 2
        self._raise(RX_DONE if heard.intact or not self._crc else RX_DONE | CRC_ERROR)

    def _raise(self, irq: int) -> None:
        self._irq |= irq & self._irq_mask
        self.dio1.changed()
