"""The SX1262 driver puts on SPI, byte for byte, what is known to work (869.525 MHz, SF9, 14 dBm, TCXO)."""

import pytest

# A radio that keeps a log of what stands between two edges of chip select. `answers`: command -> bytes.
FAKE = """
import json
import time

class Pin:
    IN, OUT = 1, 3
    def __init__(self, level=0):
        self.level = level
    def init(self, mode, value=None):
        self.level = self.level if value is None else value
    def __call__(self, level=None):
        if level is None:
            return self.level
        self.level = level

class Cs(Pin):
    def __init__(self, radio):
        super().__init__(1)
        self.radio = radio
    def __call__(self, level=None):
        super().__call__(level)
        if level == 0:
            self.radio.frame = b""
        elif level == 1:
            self.radio.log.append(self.radio.frame.hex())

class Radio:
    def __init__(self, **answers):
        self.log, self.frame, self.answers = [], b"", answers
    def write(self, content):
        self.frame += bytes(content)
    def write_readinto(self, content, answer):
        self.frame += bytes(content)
        found = self.answers.get("x%02x" % content[0], b"")
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        for i, byte in enumerate(found):
            answer[i + 1] = byte

CONFIG = {"freq_khz": 869525, "sf": 9, "bw": "125", "output_power": 14}

def make(radio, busy=None, **more):
    from drivers.sx126x import SX1262
    return SX1262(radio, Cs(radio), busy or Pin(), None, True, 1800, 5000, None, dict(CONFIG, **more))
"""

INIT = [
    "", "070000", "17000000", "12000000", "9d01", "9702000140", "080243020300000000", "02ffff", "8a01",
    "8636586666", "0d07401424", "9502020001", "8e1602", "8b09040100", "1d08d80000", "0d08d81e",
]  # fmt: skip


@pytest.fixture
def on_radio(micropython):
    return lambda script: micropython(FAKE + script).splitlines()


def test_init(on_radio):
    (log,) = on_radio("r = Radio(); make(r); print(' '.join(r.log))")
    assert log.split(" ") == INIT


def test_send(on_radio):
    script = """
r = Radio(x12=[b"\\x60\\0\\0", b"\\x60\\0\\0", b"\\x2c\\0\\1"])
m = make(r); r.log = []
r.answers["x12"] = [b"\\x60\\0\\0", b"\\x2c\\0\\1"]
print(type(m.send(b"hello")), ' '.join(r.log))
"""
    (line,) = on_radio(script)
    assert line.split(" ")[2:] == [
        "8001", "02ffff", "8c000800050100", "8f00ff", "0e0068656c6c6f", "1d08890000", "0d088904",
        "83000000", "12000000", "12000000", "02ffff",
    ]  # fmt: skip


def test_receive(on_radio):
    script = """
r = Radio(x13=b"\\x54\\5\\x20", x1e=b"\\0\\0hello", x14=b"\\x54\\xc8\\xec\\xc8", x1d=b"\\0\\0\\0\\1")
m = make(r); r.log = []
r.answers["x12"] = [b"\\x50\\0\\0", b"\\x54\\0\\2"]
p = m.recv(1000)
print(bytes(p), p.rssi, p.snr, p.valid_crc, ' '.join(r.log))
"""
    (line,) = on_radio(script)
    said, _, log = line.partition(" True ")
    assert said == "b'hello' -100 -20"
    assert log.split(" ") == [
        "8001", "02ffff", "8fff00", "8c000800ff0100", "8200fa00", "12000000", "12000000", "13000000",
        "1e20000000000000", "1400000000", "02ffff", "0d090200", "1d09440000", "0d094403",
    ]  # fmt: skip


def test_receive_times_out_and_a_bad_crc_is_counted(on_radio):
    script = """
r = Radio(); m = make(r)
r.answers["x12"] = [b"\\x50\\0\\0", b"\\x26\\2\\0"]
print(m.recv(10), m.crc_errors)
r.answers["x12"] = [b"\\x54\\0\\x42"]
print(m.recv(10), m.crc_errors)
"""
    assert on_radio(script) == ["None 0", "None 1"]


def test_sleep_and_wake(on_radio):
    (log,) = on_radio("r = Radio(); m = make(r); r.log = []; m.sleep(); m.standby(); print(' '.join(r.log))")
    assert log.split(" ") == ["8001", "8404", "", "8001"]


@pytest.mark.parametrize(
    ("dbm", "pa", "nominal"),
    [(22, "04070001", 22), (20, "03050001", 22), (15, "02030001", 20), (14, "02020001", 22),
     (10, "02020001", 18), (-9, "02020001", -1), (40, "04070001", 22)],
)  # fmt: skip
def test_power(on_radio, dbm, pa, nominal):
    (log,) = on_radio(f"r = Radio(); make(r, output_power={dbm}); print(' '.join(r.log))")
    assert log.split(" ")[11:13] == ["95" + pa, f"8e{nominal & 255:02x}02"]


def test_slow_rates_are_optimised(on_radio):
    lines = on_radio("""
for sf in (10, 11, 12):
    for bw in (125, "250"):
        r = Radio(); make(r, sf=sf, bw=bw); print(r.log[13])
""")
    assert lines == ["8b0a040100", "8b0a050100", "8b0b040101", "8b0b050100", "8b0c040101", "8b0c050101"]


def test_inverted_iq(on_radio):
    script = """
r = Radio(x12=b"\\x26\\2\\0", x1d=b"\\0\\0\\0\\x0d")
m = make(r, invert_iq_rx=True); r.log = []
m.recv(10); r.answers["x12"] = b"\\x2c\\0\\1"; m.send(b"x")
print(' '.join([f for f in r.log if f[:6] == "0d0736" or f[:2] == "8c"]))
"""
    (log,) = on_radio(script)
    assert log.split(" ") == ["0d073609", "8c000800ff0101", "0d07360d", "8c000800010100"]


def test_implicit_header_and_no_crc_are_honoured(on_radio):
    script = """
r = Radio(x12=b"\\x54\\0\\x42", x13=b"\\x54\\0\\x20", x1e=b"\\0\\0abc")
m = make(r, implicit_header=True, crc_en=False); r.log = []
print(bytes(m.recv(10, 3)), r.log[3])
"""
    assert on_radio(script) == ["b'abc' 8c000801030000"]


def test_a_radio_that_hangs_is_an_error_with_a_name(on_radio):
    script = """
from drivers.sx126x import RadioError
def attempt(act):
    try:
        act()
        print("no error")
    except RadioError as error:
        print(error.args[0], isinstance(error, OSError))
attempt(lambda: make(Radio(), Pin(1)))
attempt(lambda: make(Radio(x17=b"\\x20\\0\\x48")))
m = make(Radio(x12=b"\\x2a\\0\\0"))
m._line._spi.answers["x17"] = b"\\x2a\\0\\x20"
attempt(lambda: m.send(b"x"))
attempt(lambda: m.recv(10))
m._line._spi.answers["x12"] = b"\\x60\\0\\0"
began = time.ticks_ms()
attempt(lambda: m.send(b"x"))
print(time.ticks_diff(time.ticks_ms(), began) > 250)
"""
    assert on_radio(script) == [
        "radio: BUSY stays high: is it wired, has it supply? True",
        "radio: error at start: ADC, PLL lock True",
        "radio: a packet was never sent: XOSC (TCXO) True",
        "radio: it does not listen: XOSC (TCXO) True",
        "radio: a packet was never sent: XOSC (TCXO) True",
        "True",
    ]


def test_airtime_is_what_the_maker_publishes(on_radio):
    script = """
for sf in range(7, 13):
    m = make(Radio(), sf=sf)
    print(*[m.get_time_on_air_us(n) for n in (24, 51, 222)])
"""
    got = [[round(int(us) / 1000) for us in line.split()] for line in on_radio(script)]
    assert [row[0] for row in got] == [62, 113, 206, 371, 823, 1483]
    assert (got[2][1], got[0][2], got[2][2]) == (329, 348, 1107)


def test_settings_that_can_not_be_are_refused(on_radio):
    script = """
for wrong in ({"bw": 100}, {"sf": 4}, {"coding_rate": 9}):
    try:
        make(Radio(), **wrong)
        print("no error")
    except ValueError as error:
        print("refused")
"""
    assert on_radio(script) == ["refused"] * 3
