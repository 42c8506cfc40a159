"""What the ESP32's peripherals do with a request of the shims: pins, buses, converters, radio, storage."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from hardware.virtual.chips.battery import adc_code, adc_uv
from hardware.virtual.nvs import Nvs
from hardware.virtual.rtc import Rtc
from hardware.virtual.shims import _board_ops as ops
from hardware.virtual.uart_port import UartPorts
from hardware.virtual.wifi import Station
from hardware.virtual.wiring import I2cChip, PinSource, Wiring

_ENODEV = 19
_IRQ_RISING, _IRQ_FALLING = 1, 2
_OUTPUT_MODES = (3, 7)


@dataclass(slots=True)
class _Pin:
    latch: int = 0
    output: bool = False
    pull_up: bool = False
    driven: int | None = None


class Peripherals:
    """One run's peripherals: they start in reset and `release` everything when the run ends."""

    def __init__(
        self,
        wiring: Wiring,
        rtc: Rtc,
        nvs: Nvs,
        station: Station,
        uarts: UartPorts,
        interrupt: Callable[[int, int], None],
    ) -> None:
        self._wiring = wiring
        self._nvs = nvs
        self._station = station
        self._uarts = uarts
        self._interrupt = interrupt
        self._pins: dict[int, _Pin] = {}
        self._selects = {cs: chip for bus in wiring.spi for cs, chip in bus.chips.items()}
        self._queries: dict[int, Callable[[bytes], bytes]] = {
            ops.RTC_MEMORY_READ: lambda request: rtc.memory,
            ops.PIN_READ: lambda request: bytes((self._level(request[0]),)),
            ops.ADC_READ: self._adc_read,
            ops.ONEWIRE_RESET: self._onewire_reset,
            ops.ONEWIRE_READ: self._onewire_read,
            ops.I2C_READ: self._i2c_read,
            ops.I2C_SCAN: self._i2c_scan,
            ops.SPI_TRANSFER: self._spi_transfer,
            ops.UART_ANY: lambda request: uarts.waiting(request[0]).to_bytes(4, "little"),
            ops.NVS_GET: nvs.get,
            ops.WIFI_STATUS: self._wifi_status,
        }
        self._commands: dict[int, Callable[[bytes], None]] = {
            ops.RTC_SET: lambda request: rtc.set_us(struct.unpack("<q", request)[0]),
            ops.RTC_MEMORY_WRITE: rtc.store,
            ops.PIN_INIT: self._pin_init,
            ops.PIN_WRITE: self._pin_write,
            ops.PIN_IRQ: self._pin_irq,
            ops.ONEWIRE_WRITE: self._onewire_write,
            ops.I2C_WRITE: lambda request: self._i2c_chip(request).i2c_write(request[3:]),
            ops.UART_INIT: uarts.init,
            ops.UART_CLOSE: lambda request: uarts.close(request[0]),
            ops.UART_WRITE: uarts.write,
            ops.NVS_SET: nvs.set,
            ops.NVS_ERASE: nvs.erase,
            ops.NVS_COMMIT: lambda request: nvs.commit(),
            ops.WIFI_ACTIVE: lambda request: station.activate(bool(request[0])),
            ops.WIFI_CONNECT: self._wifi_connect,
            ops.WIFI_DISCONNECT: lambda request: station.disconnect(),
        }

    def request(self, op: int, payload: bytes) -> bytes | None:
        """The answer, None for requests that get none; OSError and ValueError travel to the firmware."""
        if op in self._queries:
            return self._queries[op](payload)
        self._commands[op](payload)
        return None if op in ops.POSTED else b""

    def release(self) -> None:
        """The run has ended: pins float, lines close, what NVS did not commit is gone."""
        self._uarts.close_all()
        for number, chip in self._wiring.pins.items():
            if isinstance(chip, PinSource):
                chip.listen(None)
            if number in self._pins:
                chip.driven(None)
        self._nvs.drop_uncommitted()

    def _pin(self, number: int) -> _Pin:
        return self._pins.setdefault(number, _Pin())

    def _pin_init(self, request: bytes) -> None:
        number, mode, pull = struct.unpack("<Bbb", request)
        pin = self._pin(number)
        if mode != -1:
            pin.output = mode in _OUTPUT_MODES
        pin.pull_up = pull == 2 or (pull == -1 and pin.pull_up)
        self._drive(number)

    def _pin_write(self, request: bytes) -> None:
        number, level = request
        self._pin(number).latch = level
        self._drive(number)

    def _drive(self, number: int) -> None:
        pin = self._pin(number)
        level = pin.latch if pin.output else None
        if level == pin.driven:
            return
        pin.driven = level
        if number in self._selects:
            self._selects[number].select(level == 0)
        elif number in self._wiring.pins:
            self._wiring.pins[number].driven(level)

    def _level(self, number: int) -> int:
        if number in self._wiring.pins:
            return self._wiring.pins[number].level()
        pin = self._pin(number)
        return pin.latch if pin.output else int(pin.pull_up)

    def _pin_irq(self, request: bytes) -> None:
        number, trigger = request
        chip = self._wiring.pins.get(number)
        if isinstance(chip, PinSource):

            def changed(level: int) -> None:
                if trigger & (_IRQ_RISING if level else _IRQ_FALLING):
                    self._interrupt(ops.FROM_PIN, number)

            chip.listen(changed if trigger else None)

    def _adc_read(self, request: bytes) -> bytes:
        number, attenuation = request
        source = self._wiring.adc.get(number)
        code = adc_code(source.pin_uv(), attenuation) if source else 0
        return struct.pack("<Hi", code, adc_uv(code, attenuation))

    def _onewire_reset(self, request: bytes) -> bytes:
        bus = self._wiring.onewire.get(request[0])
        return bytes((bus is not None and bus.reset(),))

    def _onewire_write(self, request: bytes) -> None:
        number, bits, value = request
        bus = self._wiring.onewire.get(number)
        if bus:
            for i in range(bits):
                bus.write_bit(value >> i & 1)

    def _onewire_read(self, request: bytes) -> bytes:
        number, bits = request
        bus = self._wiring.onewire.get(number)
        value = sum(bus.read_bit() << i for i in range(bits)) if bus else (1 << bits) - 1
        return bytes((value,))

    def _i2c_chip(self, request: bytes) -> I2cChip:
        for bus in self._wiring.i2c:
            if (bus.scl, bus.sda) == (request[0], request[1]) and request[2] in bus.chips:
                return bus.chips[request[2]]
        raise OSError(_ENODEV, "ENODEV")

    def _i2c_read(self, request: bytes) -> bytes:
        return self._i2c_chip(request).i2c_read(int.from_bytes(request[3:5], "little"))

    def _i2c_scan(self, request: bytes) -> bytes:
        found = []
        for bus in self._wiring.i2c:
            if (bus.scl, bus.sda) == (request[0], request[1]):
                for address, chip in sorted(bus.chips.items()):
                    try:
                        chip.i2c_write(b"")
                    except OSError:
                        continue
                    found.append(address)
        return bytes(found)

    def _spi_transfer(self, request: bytes) -> bytes:
        for bus in self._wiring.spi:
            if (bus.sck, bus.mosi, bus.miso) == tuple(request[:3]):
                for cs, chip in bus.chips.items():
                    pin = self._pin(cs)
                    if pin.output and pin.latch == 0:
                        return chip.transfer(request[3:])
        return b"\xff" * (len(request) - 3)

    def _wifi_connect(self, request: bytes) -> None:
        ssid, key = request.split(b"\0", 1)
        self._station.connect(ssid.decode(), key.decode())

    def _wifi_status(self, request: bytes) -> bytes:
        station = self._station
        return struct.pack("<BHb", station.active, station.status(), station.rssi_dbm())
