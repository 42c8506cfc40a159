"""The machine module: buses, pins and converters reach the chips; limits are the ESP32's."""

from collections.abc import Callable

import pytest

from hardware.virtual.board import Board
from hardware.virtual.chips.ads1115 import Ads1115
from hardware.virtual.chips.battery import Battery
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.gpio import PulseContact, Switch
from hardware.virtual.chips.loop_sensor import LoopSensor
from hardware.virtual.clock import RealClock, VirtualClock
from hardware.virtual.wiring import I2cBus, SpiBus, Wiring

MakeBoard = Callable[..., Board]


async def printed(board: Board) -> list[str]:
    """What the program prints until it ends; it must not raise."""
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == "program ended", board.console.text()
    return [line for line in board.console.text().splitlines() if not line.startswith("---")]


async def test_i2c(make_board: MakeBoard) -> None:
    adc = Ads1115({0: lambda: 1.0}, RealClock())
    main = """
from machine import I2C, Pin, SoftI2C
import time
for i2c in (I2C(0, scl=Pin(22), sda=Pin(21), freq=400000), SoftI2C(scl=Pin(22), sda=Pin(21))):
    print(i2c.scan(), i2c.writeto_mem(0x48, 1, b"\\xc5\\x83"))
    while not i2c.readfrom_mem(0x48, 1, 2)[0] & 0x80:
        time.sleep_ms(1)
    buf = bytearray(2)
    i2c.readfrom_mem_into(0x48, 0, buf)
    print(buf, i2c.writeto(0x48, b"\\x00"), i2c.readfrom(0x48, 2))
for other in (I2C(0), I2C(1, scl=Pin(22), sda=Pin(21))):
    print(other.scan())
try:
    i2c.readfrom(0x49, 1)
except OSError as error:
    print(error.errno)
"""
    board = make_board(main, Wiring(i2c=(I2cBus(scl=22, sda=21, chips={0x48: adc}),)))
    once = ["[72] None", "bytearray(b'>\\x80') 1 b'>\\x80'"]
    assert await printed(board) == [*once, *once, "[]", "[72]", "19"]


async def test_a_disconnected_chip_does_not_answer(make_board: MakeBoard) -> None:
    adc = Ads1115({}, RealClock())
    adc.fault = Fault.DISCONNECTED
    main = "from machine import I2C, Pin\nprint(I2C(0, scl=Pin(22), sda=Pin(21)).scan())"
    assert await printed(make_board(main, Wiring(i2c=(I2cBus(22, 21, {0x48: adc}),)))) == ["[]"]


async def test_adc(make_board: MakeBoard) -> None:
    battery = Battery(lambda: 3.6, RealClock(), divider=2.0)
    main = """
from machine import ADC, Pin
adc = ADC(Pin(36), atten=ADC.ATTN_11DB)
print(adc.read_uv(), adc.read(), adc.read_u16())
adc.atten(ADC.ATTN_0DB)
print(adc.read(), ADC(39).read_uv())
try:
    ADC(Pin(22))
except ValueError as error:
    print(error)
"""
    lines = await printed(make_board(main, Wiring(adc={36: battery})))
    assert lines == ["1800000 2234 35752", "4095 0", "invalid pin"]


async def test_a_pin_switches_a_sensor_on(make_board: MakeBoard) -> None:
    clock = RealClock()
    loop = LoopSensor(lambda: 1000, 0, 2000, clock)
    switch = Switch(loop, clock=clock)
    main = """
from machine import I2C, Pin
import time
def read():
    i2c = I2C(0, scl=Pin(22), sda=Pin(21))
    i2c.writeto_mem(0x48, 1, b"\\xc5\\x83")
    time.sleep_ms(10)
    return int.from_bytes(i2c.readfrom_mem(0x48, 0, 2), "big")
power = Pin(25, Pin.OUT, value=0)
print(read(), power.value())
power.on()
print(read(), power.value())
power(0)
print(read(), Pin(26, Pin.IN, Pin.PULL_UP).value(), Pin(27, Pin.IN).value())
"""
    wiring = Wiring(i2c=(I2cBus(22, 21, {0x48: Ads1115({0: loop.volts}, clock)}),), pins={25: switch})
    assert await printed(make_board(main, wiring)) == ["0 0", "19200 1", "0 1 0"]


async def test_pins_float_when_the_program_ends(make_board: MakeBoard) -> None:
    switch = Switch(clock=RealClock())
    main = "from machine import Pin, deepsleep\nPin(25, Pin.OUT, value=1)\ndeepsleep(60000)"
    board = make_board(main, Wiring(pins={25: switch}))
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert not switch.on


async def test_pulses_interrupt(make_board: MakeBoard) -> None:
    clock = RealClock()
    contact = PulseContact(lambda: 0, clock)
    main = """
from machine import Pin
import time
seen = []
Pin(33, Pin.IN).irq(lambda pin: seen.append(pin.value()), Pin.IRQ_FALLING)
print("ready")
while len(seen) < 2:
    time.sleep_ms(500)
print(seen)
"""
    board = make_board(main, Wiring(pins={33: contact}), clock=clock)
    await board.power_on()
    await board.until(lambda: "ready" in board.console.text())
    await contact.tip()
    await contact.tip()
    await board.until(lambda: board.stuck)
    assert "[0, 0]" in board.console.text()


async def test_timer(make_board: MakeBoard) -> None:
    main = """
from machine import Timer
import time
seen = []
timer = Timer(0, period=60000, callback=lambda t: seen.append(1))
time.sleep_ms(330000)
timer.deinit()
n = len(seen)
time.sleep_ms(180000)
Timer(1).init(mode=Timer.ONE_SHOT, period=60000, callback=lambda t: print("once"))
time.sleep_ms(300000)
print(n, len(seen) == n)
"""
    assert await printed(make_board(main, clock=VirtualClock())) == ["once", "5 True"]


class Register:
    """An SPI chip that answers each byte with its complement."""

    def __init__(self) -> None:
        self.selected: list[bool] = []

    def select(self, selected: bool) -> None:
        self.selected.append(selected)

    def transfer(self, content: bytes) -> bytes:
        return bytes(byte ^ 0xFF for byte in content)


async def test_spi(make_board: MakeBoard) -> None:
    main = """
from machine import SPI, Pin
spi = SPI(1, baudrate=2000000, sck=Pin(5), mosi=Pin(27), miso=Pin(19))
cs = Pin(18, Pin.OUT, value=1)
cs(0)
buf = bytearray(2)
spi.write_readinto(b"\\x00\\x0f", buf)
print(buf, spi.read(1, 0x55))
cs(1)
print(spi.read(2))
"""
    chip = Register()
    board = make_board(main, Wiring(spi=(SpiBus(5, 27, 19, {18: chip}),)))
    assert await printed(board) == ["bytearray(b'\\xff\\xf0') b'\\xaa'", "b'\\xff\\xff'"]
    assert chip.selected == [False, True, False]


async def test_rtc(make_board: MakeBoard) -> None:
    main = """
from machine import RTC
import time
rtc = RTC()
print(rtc.datetime()[:6], time.gmtime(0), time.time() < 60)
rtc.datetime((2026, 2, 28, 0, 23, 58, 2, 250000))
print(rtc.datetime()[:6], rtc.datetime()[6:] >= (2, 250000))
print(time.gmtime()[:5], 2 <= time.time() - 825638280 < 60)
print(time.gmtime(time.mktime((2024, 2, 29, 12, 0, 0, 0, 0))))
for content in (b"x" * 2048, b"x" * 2049):
    try:
        rtc.memory(content)
        print(len(rtc.memory()))
    except ValueError as error:
        print(error)
"""
    assert await printed(make_board(main)) == [
        "(2000, 1, 1, 5, 0, 0) (2000, 1, 1, 0, 0, 0, 5, 1) True",
        "(2026, 2, 28, 5, 23, 58) True",
        "(2026, 2, 28, 23, 58) True",
        "(2024, 2, 29, 12, 0, 0, 3, 60)",
        "2048",
        "buffer too long",
    ]


async def test_epoch_1970_when_asked_for(make_board: MakeBoard) -> None:
    main = "import time\nprint(time.gmtime(0)[0], time.time() // 60, time.gmtime()[0])"
    assert await printed(make_board(main, epoch=1970)) == ["1970 15778080 2000"]


async def test_identity_and_limits(make_board: MakeBoard) -> None:
    main = """
import machine, os
print(len(machine.unique_id()), machine.freq(), os.uname().sysname)
for call in (lambda: machine.Pin(20), lambda: machine.Pin(34, machine.Pin.OUT), lambda: machine.I2C(2),
             lambda: machine.UART(3), lambda: machine.WDT(timeout=0)):
    try:
        call()
    except ValueError as error:
        print(error)
"""
    lines = await printed(make_board(main))
    assert lines[0] == "6 160000000 esp32"
    assert lines[1:] == [
        "invalid pin", "pin can only be input", "I2C(2) doesn't exist", "UART(3) does not exist",
        "WDT timeout too short",
    ]  # fmt: skip


async def test_an_esp32_s3_has_other_pins(make_board: MakeBoard) -> None:
    main = """
from machine import ADC, Pin
Pin(34, Pin.OUT), Pin(48, Pin.OUT), ADC(1)
for call in (lambda: Pin(22), lambda: Pin(49), lambda: ADC(36)):
    try:
        call()
    except ValueError as error:
        print(error)
"""
    assert await printed(make_board(main, chip="esp32s3")) == ["invalid pin"] * 3


async def test_free_memory_is_the_esp32s(make_board: MakeBoard) -> None:
    lines = await printed(make_board("import gc\ngc.collect()\nprint(gc.mem_free())"))
    assert 155_000 < int(lines[0]) < 168_000


@pytest.mark.parametrize("mode", [1, 2, 6])
async def test_only_the_block_modes_of_stock_firmware(make_board: MakeBoard, mode: int) -> None:
    main = f"""
import cryptolib
try:
    print(len(cryptolib.aes(bytes(16), {mode}, bytes(16)).encrypt(bytes(16))))
except ValueError as error:
    print(error)
"""
    assert await printed(make_board(main)) == (["mode"] if mode == 6 else ["16"])
