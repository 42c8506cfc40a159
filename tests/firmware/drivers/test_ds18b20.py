"""DS18B20: the scratchpad's golden values and a bus that behaves like the chip, on both runtimes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import ds18b20
from wire.quantities import FAULT, OK

WATER = [0x28, 0x61, 0x64, 0x12, 0x3C, 0x7C, 0x2F, 0x27]
AIR = [0x28, 0xFF, 0x10, 0x20, 0x30, 0x40, 0x05, 0x00]


class Bus:
    """A 1-Wire bus with probes {rom as hex: options}.

    A probe's `raw` are the results of its conversions in turn (1/16 C, the last for ever), `config` its
    resolution. It loses its supply in the conversions `dips` (counted from 0), ignores Convert T when `deaf`,
    and flips the bits `flip` of byte `at` in the reads `bad` (counted from 0).
    """

    def __init__(self, probes, broken=-1, stuck=None):
        self.probes = []
        for rom in sorted(probes):
            state = {"raw": [0], "config": 0x7F, "dips": [], "deaf": False, "bad": [], "flip": 1, "at": 0}
            state.update(probes[rom])
            state.update(rom=rom, pad=self.power_on(state), conversions=0, reads=0, busy=False)
            self.probes.append(state)
        self.broken = broken
        self.stuck = stuck
        self.slept_ms = 0
        self.chosen = []
        self.command = None
        self.output = []
        self.input = []

    def power_on(self, state):
        return [0x50, 0x05, 0x4B, 0x46, state["config"], 0xFF, 0x0C, 0x10]

    def sleep_ms(self, ms):
        self.slept_ms += ms
        for probe in self.probes:
            if probe["busy"] and ms >= 750:
                probe["busy"] = False
                if probe["conversions"] in probe["dips"]:
                    probe["pad"] = self.power_on(probe)
                else:
                    raw = probe["raw"].pop(0) if len(probe["raw"]) > 1 else probe["raw"][0]
                    probe["pad"][0] = raw & 0xFF
                    probe["pad"][1] = raw >> 8 & 0xFF
                probe["conversions"] += 1

    def reset(self):
        if self.broken == 0:
            raise OSError("line held low")
        self.broken -= 1
        self.chosen = []
        self.command = None
        self.output = []
        return bool(self.probes) or self.stuck is not None

    def select_rom(self, rom):
        self.reset()
        wanted = "".join(["%02x" % byte for byte in rom])
        self.chosen = [probe for probe in self.probes if probe["rom"] == wanted]

    def writebyte(self, byte):
        if self.command == 0x4E:
            self.input.append(byte)
            if len(self.input) == 3:
                for probe in self.chosen:
                    probe["pad"][2:5] = self.input
                self.command = None
        elif byte == 0xCC:
            self.chosen = self.probes
        else:
            self.command = byte
            self.input = []
            for probe in self.chosen:
                self.obey(probe, byte)

    def obey(self, probe, command):
        from drivers.ds18b20 import crc8

        if command == 0x44 and not probe["deaf"]:
            probe["busy"] = True
        elif command == 0xB8:
            probe["pad"][2:4] = [0x4B, 0x46]
        elif command == 0xBE:
            self.output = list(probe["pad"])
            self.output.append(crc8(bytes(self.output)))
            if probe["reads"] in probe["bad"]:
                self.output[probe["at"]] ^= probe["flip"]
            probe["reads"] += 1

    def readbyte(self):
        if self.stuck is not None:
            return self.stuck
        if self.output:
            return self.output.pop(0)
        busy = [probe for probe in self.chosen if probe["busy"]]
        return 0 if busy and self.command == 0x44 else 0xFF

    def readinto(self, into):
        for i in range(len(into)):
            into[i] = self.readbyte()


def read(vectors):
    from drivers.ds18b20 import DS18B20

    results = []
    for probes, options, roms in vectors:
        bus = Bus(probes, **options)
        readings = []
        for rom in roms:
            probe = DS18B20(bus, bus.sleep_ms, bytes(rom) if rom else None)
            readings.append(list(probe.read()) + [probe.fault, bus.slept_ms])
        results.append(readings)
    return results


def registers(pads):
    from drivers import ds18b20

    return [
        [
            ds18b20.crc8(bytes(pad[:8])),
            ds18b20.whole(bytes(pad)),
            ds18b20.to_temp_cc(ds18b20.sixteenths(bytes(pad))),
        ]
        for pad in pads
    ]


def one(on_both, options=None, rom=None, **probe):
    vector = [{bytes(WATER).hex(): probe}, options or {}, [rom]]
    value, quality, fault, slept_ms = on_both(read, [vector], needs=[Bus])[0][0]
    return (value, quality), fault, slept_ms


def test_golden_registers(on_both):
    power_on = [0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10, 0x1C]  # as read from chips, CRC included
    pads = [
        power_on,
        [0xD0, 0x07, 0x4B, 0x46, 0x7F, 0xFF, 0x00, 0x10, 0],  # datasheet table 1: +125
        [0x91, 0x01, 0x4B, 0x46, 0x7F, 0xFF, 0x0F, 0x10, 0],  # +25.0625
        [0x08, 0x00, 0x4B, 0x46, 0x7F, 0xFF, 0x08, 0x10, 0],  # +0.5
        [0xF8, 0xFF, 0x4B, 0x46, 0x7F, 0xFF, 0x08, 0x10, 0],  # -0.5
        [0x5E, 0xFF, 0x4B, 0x46, 0x7F, 0xFF, 0x02, 0x10, 0],  # -10.125
        [0x90, 0xFC, 0x4B, 0x46, 0x7F, 0xFF, 0x10, 0x10, 0],  # -55
        [0x97, 0x01, 0x4B, 0x46, 0x1F, 0xFF, 0x0F, 0x10, 0],  # 9 bits: the last three are undefined
        [0xFF, 0xFF, 0x4B, 0x46, 0x5F, 0xFF, 0x0F, 0x10, 0],  # 11 bits: the last one is
    ]
    results = on_both(registers, pads)
    assert results[0] == [0x1C, True, 8500]
    assert [result[2] for result in results[1:]] == [12500, 2506, 50, -50, -1012, -5500, 2500, -12]
    assert on_both(registers, [[0] * 9, [0xFF] * 9]) == [[0, False, 0], [0xC9, False, -6]]


@given(st.integers(-55 * 16, 125 * 16))
def test_rounding(raw):
    assert abs(ds18b20.to_temp_cc(raw) * 16 - raw * 100) <= 8


@given(st.binary(min_size=8, max_size=8), st.integers(1, 7), st.integers(0, 71))
def test_crc_finds_bursts(content, burst, start):
    pad = int.from_bytes(content + bytes((ds18b20.crc8(content),)), "big")
    broken = (pad ^ (burst << start & (1 << 72) - 1)).to_bytes(9, "big")
    if broken != pad.to_bytes(9, "big"):
        assert ds18b20.crc8(broken[:8]) != broken[8]


def test_single_probe_and_by_rom(on_both):
    probes = {bytes(WATER).hex(): {"raw": [5]}, bytes(AIR).hex(): {"raw": [-200]}}
    water, air = on_both(read, [[probes, {}, [WATER, AIR]]], needs=[Bus])[0]
    assert water == [31, OK, None, 750]
    assert air == [-1250, OK, None, 1500]
    assert one(on_both, raw=[5]) == ((31, OK), None, 750)
    assert one(on_both, rom=AIR, raw=[5])[:2] == ((None, FAULT), "no answer")


def test_one_conversion_serves_all_probes(on_both):
    assert on_both(shared, [[bytes(WATER).hex(), bytes(AIR).hex()]], needs=[Bus]) == [[True, 31, -1250, 750]]


def shared(vectors):
    from binascii import unhexlify

    from drivers.ds18b20 import CONVERSION_MS, DS18B20

    results = []
    for water, air in vectors:
        bus = Bus({water: {"raw": [5]}, air: {"raw": [-200]}})
        probes = [DS18B20(bus, bus.sleep_ms, unhexlify(rom)) for rom in (water, air)]
        started = probes[0].start()
        bus.sleep_ms(CONVERSION_MS)
        results.append([started] + [probe.read(started=True)[0] for probe in probes] + [bus.slept_ms])
    return results


def test_power_on_value_is_believed_only_with_proof(on_both):
    eighty_five = 85 * 16
    # Really at 85.0: asked again, alone, it proves it.
    assert one(on_both, raw=[eighty_five]) == ((8500, OK), None, 1510)
    # The supply dipped in the first conversion: the second one counts.
    assert one(on_both, raw=[20], dips=[0])[0] == (125, OK)
    # It dips in every conversion.
    value, fault, _ = one(on_both, raw=[20], dips=[0, 1])
    assert value == (None, FAULT)
    assert "power-on value" in fault
    # At 85.0 and dipping: the mark is gone, so nothing is proved.
    assert one(on_both, raw=[eighty_five], dips=[0, 1])[0] == (None, FAULT)
    # It never converts: no dip, but no busy answer either.
    assert one(on_both, raw=[20], deaf=True)[0] == (None, FAULT)


def test_no_answer_in_words(on_both):
    nobody = on_both(read, [[{}, {}, [None]]], needs=[Bus])[0]
    assert nobody == [[None, FAULT, "no probe on the bus", 0]]
    assert one(on_both, {"stuck": 0})[:2] == ((None, FAULT), "bad CRC")
    assert one(on_both, {"stuck": 255})[:2] == ((None, FAULT), "no answer")


@pytest.mark.parametrize("at", range(9))
def test_a_flipped_bit_is_read_again_once(on_both, at):
    assert one(on_both, raw=[20], bad=[0], at=at, flip=0x10)[0] == (125, OK)
    assert one(on_both, raw=[20], bad=[0, 1], at=at, flip=0x10)[:2] == ((None, FAULT), "bad CRC")


@pytest.mark.parametrize("calls", range(4))
def test_bus_errors_are_a_fault_not_an_exception(on_both, calls):
    value, fault, _ = one(on_both, {"broken": calls}, raw=[85 * 16])
    assert value == (None, FAULT)
    assert fault


def test_beyond_what_it_can_measure(on_both):
    for raw in (125 * 16 + 1, -55 * 16 - 1, 0x7FFF):
        value, fault, _ = one(on_both, raw=[raw])
        assert value == (None, FAULT)
        assert "outside" in fault
