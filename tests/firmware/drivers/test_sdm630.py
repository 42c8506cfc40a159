"""SDM630: Modbus frames, floats taken apart, and a line with echoes and noise, on both runtimes."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import sdm630
from wire.quantities import FAULT, OK


class Line:
    """A UART with the meter on it: `answers` (hex) to each request in turn, after `delay_ms`."""

    def __init__(self, answers, delay_ms=40, before="", broken=False):
        self.answers = list(answers)
        self.delay_ms = delay_ms
        self.waiting = [[0, before]] if before else []
        self.broken = broken
        self.sent = []
        self.now_ms = 0

    def ticks_ms(self):
        return (2**30 - 20 + self.now_ms) % 2**30

    def sleep_ms(self, ms):
        self.now_ms += ms

    def drive(self, on):
        self.sent.append("drive" if on else "release")

    def write(self, frame):
        from binascii import hexlify

        if self.broken:
            raise OSError("line broken")
        self.sent.append(hexlify(frame).decode())
        if self.answers:
            self.waiting.append([self.now_ms + self.delay_ms, self.answers.pop(0)])

    def flush(self):
        pass

    def any(self):
        return sum([len(text) // 2 for ms, text in self.waiting if ms <= self.now_ms])

    def read(self):
        from binascii import unhexlify

        come = b"".join([unhexlify(text) for ms, text in self.waiting if ms <= self.now_ms])
        self.waiting = [piece for piece in self.waiting if piece[0] > self.now_ms]
        return come or None


def integers(vectors):
    from binascii import unhexlify

    from drivers.sdm630 import to_int

    return [to_int(unhexlify(text), power) for text, power in vectors]


def read(vectors):
    from drivers.sdm630 import SDM630

    results = []
    for name, options in vectors:
        line = Line(**options)
        meter = SDM630(line, line.ticks_ms, line.sleep_ms, drive=line.drive)
        results.append([list(meter.read(name)), meter.fault, line.sent, line.now_ms])
    return results


def one(on_both, name, *answers, **options):
    return on_both(read, [[name, {"answers": answers, **options}]], needs=[Line])[0]


def answer(value, address=1):
    body = bytes((address, 4, 4)) + struct.pack(">f", value)
    crc = sdm630.crc16(body)
    return (body + bytes((crc & 0xFF, crc >> 8))).hex()


def single(value):
    return struct.unpack(">f", struct.pack(">f", value))[0]


def test_golden_frames():
    assert sdm630.request(1, 0, 2).hex() == "01040000000271cb"
    assert sdm630.find_answer(bytes.fromhex("010404436633341b38"), 1, 2) == bytes.fromhex("43663334")
    assert sdm630.to_int(bytes.fromhex("43663334"), 1) == 2302
    assert sdm630.crc16(b"123456789") == 0x4B37


def test_golden_floats(on_both):
    cases = {
        ("00000000", 3): 0,
        ("80000000", 3): 0,
        ("3f800000", 0): 1,
        ("bf800000", 3): -1000,
        ("3f000000", 0): 1,  # 0.5 away from zero
        ("bf000000", 0): -1,
        ("3effffff", 0): 0,
        ("4b800000", 0): 16777216,
        ("46831c71", 3): 16782221,  # 16782.22070: single precision could not hold the product
        ("4f7fffff", 3): 4294967040000,
        ("7f7fffff", 0): (2**24 - 1) << 104,
        ("00000001", 3): 0,
        ("007fffff", 3): 0,
        ("7f800000", 0): None,
        ("ff800000", 0): None,
        ("7fc00000", 0): None,
    }
    assert dict(zip(cases, on_both(integers, [list(case) for case in cases]), strict=True)) == cases


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_floats_are_rounded_once_and_exactly(bits, power):
    four = bits.to_bytes(4, "big")
    (value,) = struct.unpack(">f", four)
    got = sdm630.to_int(four, power)
    if value - value != 0:  # infinite, or no number
        assert got is None
        return
    exact = Fraction(value) * 10**power
    assert abs(got - exact) <= Fraction(1, 2)
    if abs(got - exact) == Fraction(1, 2):
        assert abs(got) > abs(exact)


def test_registers(on_both):
    cases = [
        ("power_w", 5120.4, "0104003400023005", 5120),
        ("power_w", -312.6, "0104003400023005", -313),
        ("import_energy_wh", 16777.217, "010400480002f1dd", round(single(16777.217) * 1000)),
        ("import_energy_wh", 123456.78, "010400480002f1dd", 123456781),
        ("l3_phase_dv", 231.4, "010400040002300a", 2314),
        ("l1_current_ma", 12.345, "01040006000291ca", 12345),
    ]
    results = on_both(read, [[name, {"answers": [answer(value)]}] for name, value, *_ in cases], needs=[Line])
    for (_, _, request, value), result in zip(cases, results, strict=True):
        assert result[:3] == [[value, OK], None, ["drive", request, "release"]]


def test_echo_stray_bytes_and_late_answers_are_passed_over(on_both):
    good = answer(100.0)
    for noise in ("00", "0104003400023005", "ff00ff", "0104", "010404", "0204044366333400ff"):
        assert one(on_both, "power_w", noise + good)[0] == [100, OK]
    assert one(on_both, "power_w", good, before=answer(999.0))[0] == [100, OK]


def test_broken_and_foreign_answers_are_refused(on_both):
    good = bytes.fromhex(answer(100.0))
    vectors = []
    for bit in range(len(good) * 8):
        broken = (int.from_bytes(good, "big") ^ 1 << bit).to_bytes(len(good), "big")
        vectors.append(["power_w", {"answers": [broken.hex()] * 2}])
    vectors.append(["power_w", {"answers": [answer(100.0, address=2)] * 2}])
    for value, fault, sent, now_ms in on_both(read, vectors, needs=[Line]):
        assert value == [None, FAULT]
        assert fault == "no answer from address 1"
        assert len(sent) == 6
        assert 600 <= now_ms <= 620


def test_a_second_attempt_helps(on_both):
    value, fault, sent, _ = one(on_both, "power_w", "00", answer(100.0))
    assert (value, fault, len(sent)) == ([100, OK], None, 6)


def test_refusals_of_the_meter_in_words(on_both):
    value, fault, _, _ = one(on_both, "power_w", "018402c2c1", "018402c2c1")
    assert value == [None, FAULT]
    assert fault == "the meter refuses register 0x0034 with code 2"


@pytest.mark.parametrize("text", ["7f800000", "7fc00000"])
def test_no_number_is_a_fault(on_both, text):
    body = bytes.fromhex("010404" + text)
    crc = sdm630.crc16(body)
    value, fault, _, _ = one(on_both, "power_w", (body + bytes((crc & 0xFF, crc >> 8))).hex())
    assert value == [None, FAULT]
    assert "no number" in fault


def test_bus_errors_are_a_fault_not_an_exception(on_both):
    value, fault, sent, _ = one(on_both, "power_w", broken=True)
    assert (value, fault) == ([None, FAULT], "bus error: line broken")
    assert sent == ["drive", "release"] * 2


@given(st.binary(max_size=40))
def test_noise_raises_nothing(noise):
    sdm630.find_answer(noise, 1, 2)
    sdm630.refusal(noise, 1)


class Chip:
    """Registers by name; None: no answer."""

    def __init__(self, registers):
        self.registers = registers
        self.asked = []
        self.fault = None

    def read(self, name):
        self.asked.append(name)
        value = self.registers.get(name)
        self.fault = "no answer from address 1" if value is None else None
        return value, OK if value is not None else FAULT


def test_power_has_a_direction_instead_of_a_sign():
    outputs = ["import_power_w", "export_power_w", "import_energy_wh"]
    using = sdm630.Meter(Chip({"power_w": 1500, "import_energy_wh": 77}), outputs)
    assert using.read() == [(1500, OK), (0, OK), (77, OK)]
    assert using.faults() == []
    giving = sdm630.Meter(Chip({"power_w": -900, "import_energy_wh": 77}), outputs)
    assert giving.read() == [(0, OK), (900, OK), (77, OK)]


def test_a_meter_that_is_not_there_is_asked_once():
    chip = Chip({})
    meter = sdm630.Meter(chip, ["l1_phase_dv", "l2_phase_dv", "import_energy_wh"])
    assert meter.read() == [(None, FAULT)] * 3
    assert chip.asked == ["l1_phase_dv"]
    assert meter.faults() == ["no answer from address 1"]


def test_it_is_attached_to_its_bus_with_its_speed():
    class Hardware:
        ticks_ms = sleep_ms = None

        def uart(self, bus, **options):
            self.asked = bus, options
            return Line([])

    hardware = Hardware()
    bus = {"uart": 1, "rx": 5, "tx": 6}
    sdm630.attach(hardware, [{"bus": bus, "output": "import_power_w", "address": 3, "baud": 2400}])
    assert hardware.asked == (bus, {"baudrate": 2400, "bits": 8, "parity": None, "stop": 1})
