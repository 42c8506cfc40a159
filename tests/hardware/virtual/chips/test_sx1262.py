"""The SX1262 model against the golden SPI frames, and against the driver in real MicroPython."""

import asyncio
from collections.abc import Callable

import pytest

from hardware.virtual.board import Board
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.sx1262 import Mode, Sx1262
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception
from hardware.virtual.radio.timeline import Timeline
from hardware.virtual.wiring import SpiBus, Wiring
from tests.firmware.interpreter import FIRMWARE_LIB

# What a correct driver sends at 869.525 MHz, SF9, 14 dBm (see tests/firmware/drivers/test_sx126x.py).
INIT = (
    "070000 17000000 12000000 9d01 9702000140 080243020300000000 02ffff 8a01 8636586666 0d07401424 "
    "9502020001 8e1602 8b09040100 1d08d80000 0d08d81e"
)
SEND = "8001 02ffff 8c000800050100 8f00ff 0e0068656c6c6f 1d08890000 0d088904 83000000"
LISTEN = "8001 02ffff 8fff00 8c000800ff0100 8200fa00"  # one second
SF9 = Modulation(869_525, 9)


class Bench:
    """A chip on the bench: `do` sends frames and waits out BUSY, as a driver has to."""

    def __init__(self, tcxo_start_s: float = 2e-3) -> None:
        self.clock = Timeline()
        self.medium = Medium(self.clock, fading_db=0, shadow_db=0)
        self.chip = Sx1262(Antenna("chip", self.medium), self.clock, tcxo_start_s=tcxo_start_s)
        self.other = Antenna("other", self.medium, (100, 0))
        self.heard: list[Reception] = []
        self.other.on_packet = self.heard.append
        self.other.listen(lambda modulation: modulation == SF9)
        self.chip.power_on()
        self.wait()

    def frame(self, content: bytes) -> bytes:
        self.chip.select(True)
        answer = self.chip.transfer(content)
        self.chip.select(False)
        return answer

    def wait(self) -> None:
        while self.chip.busy.level() and self.chip.mode is not Mode.SLEEP:
            self.pass_s(1e-4)

    def do(self, frames: str) -> bytes:
        answer = b""
        for frame in frames.split():
            answer = self.frame(bytes.fromhex(frame))
            self.wait()
        return answer

    def pass_s(self, seconds: float) -> None:
        self.clock.run_until(self.clock.monotonic_s() + seconds)


def test_the_golden_frames_send_what_they_say() -> None:
    bench = Bench()
    bench.do(INIT)
    assert bench.chip.power_dbm == 14
    bench.do(SEND)
    assert bench.chip.mode is Mode.TX
    assert bench.do("12000000") == bytes((0x60, 0x60, 0, 0))
    bench.pass_s(0.2)
    (heard,) = bench.heard
    assert (heard.signal.payload, heard.signal.modulation, heard.signal.power_dbm) == (b"hello", SF9, 14)
    assert bench.chip.dio1.level() == 1
    assert bench.do("12000000") == bytes((0x2C, 0x2C, 0, 1))
    bench.do("02ffff")
    assert bench.chip.dio1.level() == 0
    assert bench.chip.violations == 0


def test_a_packet_is_received_with_rssi_and_snr() -> None:
    bench = Bench()
    bench.do(INIT + " " + LISTEN)
    bench.other.send(SF9, b"answer", 14)
    bench.pass_s(0.5)
    assert bench.do("12000000")[2:] == b"\x00\x02"
    assert bench.do("13000000")[2:] == b"\x06\x00"
    assert bench.do("1e0000" + "00" * 6)[3:] == b"answer"
    rssi = round(14 - bench.medium.loss_db(bench.other, bench.chip._antenna))
    answer = bench.do("1400000000")
    assert abs(-answer[2] / 2 - rssi) <= 0.5
    assert answer[3] < 128  # a hundred metres: far above the noise
    assert bench.chip.mode is Mode.RC


def test_a_receive_times_out_in_time_but_not_once_a_header_is_there() -> None:
    bench = Bench()
    bench.do(INIT + " " + LISTEN)
    began_s = bench.clock.monotonic_s()
    while not bench.chip.dio1.level():
        bench.pass_s(0.001)
    assert bench.clock.monotonic_s() - began_s == pytest.approx(1.0, abs=0.01)
    assert bench.do("12000000")[2:] == b"\x02\x00"
    bench.do("02ffff " + LISTEN)
    bench.clock.call_later(0.9, lambda: bench.other.send(SF9, b"x" * 50, 14))
    bench.pass_s(1.1)
    assert bench.chip.mode is Mode.RX
    bench.pass_s(0.3)
    assert bench.do("12000000")[2:] == b"\x00\x02"


def test_two_senders_give_a_crc_error() -> None:
    bench = Bench()
    bench.do(INIT + " " + LISTEN)
    third = Antenna("third", bench.medium, (100, 1))
    bench.other.send(SF9, b"x" * 50, 14)
    bench.clock.call_later(0.15, lambda: third.send(SF9, b"y" * 50, 14))
    bench.pass_s(0.6)
    assert bench.do("12000000")[2:] == b"\x00\x42"


@pytest.mark.parametrize("init", [INIT.replace("9702000140 ", ""), INIT.replace("000140", "000040")])
def test_a_tcxo_without_supply_or_time_is_an_error(init: str) -> None:
    bench = Bench()
    bench.do(init + " " + SEND)
    assert bench.chip.mode is Mode.RC
    assert bench.do("17000000")[2:] == b"\x00\x20"
    bench.pass_s(1)
    assert bench.heard == []
    assert Bench(tcxo_start_s=0).do("17000000")[2:] == b"\x00\x00"


def test_asleep_it_is_busy_and_the_first_edge_wakes_it() -> None:
    bench = Bench()
    bench.do(INIT + " 8001 8404")
    assert bench.chip.busy.level() == 1
    bench.frame(b"\x80\x01")  # lost: it is waking up
    assert bench.chip.violations == 1
    bench.wait()
    bench.do(SEND)
    bench.pass_s(0.3)
    assert [r.signal.payload for r in bench.heard] == [b"hello"]  # its settings were kept
    bench.do("8400")
    bench.frame(b"")
    bench.wait()
    assert bench.do("1d07400000000000")[4:6] == b"\x14\x24"
    assert bench.do("17000000")[2:] == b"\x00\x20"  # a cold start


def test_what_comes_while_it_is_busy_is_lost_and_counted() -> None:
    bench = Bench()
    bench.frame(bytes.fromhex("897f"))
    bench.frame(bytes.fromhex("8636586666"))
    assert bench.chip.violations == 1


def test_faults() -> None:
    bench = Bench()
    bench.chip.fault = Fault.DISCONNECTED
    assert bench.frame(b"\x12\0\0\0") == b"\xff" * 4
    assert bench.chip.busy.level() == 1


MakeBoard = Callable[..., Board]
DRIVER = {f"lib/drivers/{name}.py": (FIRMWARE_LIB / f"drivers/{name}.py").read_bytes()
          for name in ("__init__", "sx126x", "sx126x_line")}  # fmt: skip
MODEM = """
from machine import SPI, Pin
import time
from drivers.sx126x import SX1262, RadioError
def modem(**more):
    config = {"freq_khz": 869525, "sf": 7, "bw": "125", "output_power": 14}
    config.update(more)
    return SX1262(SPI(2, sck=Pin(18), mosi=Pin(23), miso=Pin(19)), Pin(5), Pin(26), Pin(27), True, TCXO, 5000,
                  Pin(14), config)
"""


def wiring_of(chip: Sx1262) -> Wiring:
    return Wiring(spi=(SpiBus(18, 23, 19, {5: chip}),), pins={26: chip.busy, 27: chip.dio1, 14: chip.reset})


async def test_two_boards_talk_through_driver_and_chip(make_board: MakeBoard) -> None:
    clock = RealClock()
    medium = Medium(clock)
    chips = [Sx1262(Antenna(name, medium, (x, 0)), clock) for name, x in (("a", 0), ("b", 500))]
    modem = MODEM.replace("TCXO", "1800")
    ears = """
m = modem()
print('ready')
p = m.recv(4000)
print(bytes(p), p.rssi < -40, p.snr > 0)
m.send(b'pong')
"""
    mouth = """
m = modem()
m.calibrate_image()
m.send(b'ping')
p = m.recv(2000)
print(bytes(p))
print(m.recv(20))
m.sleep()
"""
    listening = make_board(modem + ears, wiring_of(chips[0]), DRIVER, clock=clock)
    talking = make_board(modem + mouth, wiring_of(chips[1]), DRIVER, clock=clock)
    await listening.power_on()
    await listening.until(lambda: "ready" in listening.console.text())
    await asyncio.sleep(0.05)
    await talking.power_on()
    await talking.until(lambda: talking.stuck)
    await listening.until(lambda: listening.stuck)
    assert "b'ping' True True" in listening.console.text()
    assert "b'pong'\nNone" in talking.console.text().replace("\r", "")
    assert [chip.violations for chip in chips] == [0, 0]
    assert chips[1].mode is Mode.SLEEP


async def test_a_driver_that_is_told_of_no_tcxo_says_so(make_board: MakeBoard) -> None:
    clock = RealClock()
    chip = Sx1262(Antenna("a", Medium(clock)), clock)
    main = (
        MODEM.replace("TCXO", "None")
        + """
try:
    modem().send(b"x")
except RadioError as error:
    print(error.args[0])
"""
    )
    board = make_board(main, wiring_of(chip), DRIVER, clock=clock)
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert "radio: a packet was never sent: XOSC (TCXO)" in board.console.text()
