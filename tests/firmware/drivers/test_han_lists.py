"""The lists of Aidon, Kaifa and Kamstrup: recorded ones, made ones and broken ones, on both runtimes."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.han_lists import ListError, decode
from hardware.virtual import meters
from wire.quantities import OK, OUT_OF_RANGE

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "han_frames.json").read_text())
CLOCK = datetime(2025, 1, 31, 23, 59, 50)
CLOCK_PARTS = [2025, 1, 31, 23, 59, 50]
MAKES = ("aidon", "kaifa", "kamstrup")


def lists(vectors):
    from binascii import unhexlify

    from drivers.han_lists import ListError, decode

    results = []
    for text in vectors:
        try:
            found = decode(unhexlify(text))
        except ListError as error:
            results.append(str(error))
            continue
        qualities = [quality for value, quality in found.values.values()]
        values = {}
        for name in found.values:
            values[name] = found.values[name][0]
        identity = None
        if found.identity is not None:
            identity = []
            for text in (found.identity.meter_id, found.identity.meter_type):
                identity.append(text if text is None or isinstance(text, str) else "".join(map(chr, text)))
        clock = found.clock and list(found.clock)
        results.append([found.make, clock, values, max(qualities), identity, repr(found.identity)])
    return results


def test_recorded_lists(on_both):
    names = [name for name in RECORDED if not name.startswith("hdlc:")]
    found = dict(zip(names, on_both(lists, [RECORDED[name] for name in names]), strict=True))
    kept_back = "Identity(kept back)"
    power_only = found["aidon:no_list_1"], found["kaifa:no_list_1"]
    assert power_only[0] == ["aidon", None, {"import_power_w": 280}, OK, None, "None"]
    assert power_only[1] == ["kaifa", [2019, 2, 4, 23, 52, 22], {"import_power_w": 5852}, OK, None, "None"]
    aidon = {
        "import_power_w": 280, "export_power_w": 0, "import_reactive_var": 0, "export_reactive_var": 128,
        "l1_current_ma": 1300, "l3_current_ma": 900,
        "l1_phase_dv": 2276, "l2_phase_dv": 2303, "l3_phase_dv": 2309,
        "import_energy_wh": 22721380, "export_energy_wh": 0,
        "import_reactive_energy_varh": 582430, "export_reactive_energy_varh": 1708430,
    }  # fmt: skip
    assert found["aidon:no_list_3"] == [
        "aidon", [2020, 1, 21, 16, 0, 0], aidon, OK, ["7359992892587665", "6525"], kept_back
    ]  # fmt: skip
    assert len(found["aidon:no_list_2"][2]) == 9
    kaifa = {
        "import_power_w": 4904, "export_power_w": 0, "import_reactive_var": 0, "export_reactive_var": 377,
        "l1_current_ma": 14571, "l2_current_ma": 15643, "l3_current_ma": 9525,
        "l1_phase_dv": 2193, "l2_phase_dv": 0, "l3_phase_dv": 2205,
        "import_energy_wh": 79591144, "export_energy_wh": 0,
        "import_reactive_energy_varh": 889389, "export_reactive_energy_varh": 3210932,
    }  # fmt: skip
    assert found["kaifa:no_list_3"] == [
        "kaifa", [2020, 1, 25, 14, 0, 10], kaifa, OK, ["6970631402614476", "MA304H3E"], kept_back
    ]  # fmt: skip
    kamstrup = found["kamstrup:no_list_2_single_phase"]
    assert kamstrup[:2] == ["kamstrup", [2017, 8, 16, 16, 0, 5]]
    assert sorted(kamstrup[2]) == ["import_energy_wh", "import_power_w", "l1_current_ma", "l1_phase_dv"]
    assert len(found["kamstrup:no_list_1_three_phase"][2]) == 10


NUMBERS = st.integers(0, 2_000_000)
REGISTERS = st.integers(0, 2**32 - 1)
PHASES = st.tuples(
    st.integers(0, 3_000_000), st.none() | st.integers(0, 3_000_000), st.none() | st.integers(0, 3_000_000)
)
VOLTS = st.tuples(st.integers(0, 5000), st.none() | st.integers(0, 5000), st.none() | st.integers(0, 5000))
VALUES = st.builds(meters.Values, *[NUMBERS] * 4, PHASES, VOLTS, *[REGISTERS] * 4)


def expected(make, number, values):
    """What is left of `values` at the resolution of the meter."""
    powers = dict(
        zip(
            ("import_power_w", "export_power_w", "import_reactive_var", "export_reactive_var"),
            values.powers,
            strict=True,
        )
    )
    if number == 1 and make != "kamstrup":
        return {"import_power_w": values.import_power_w}
    single = make == "kaifa" and values.phase_dv[1:] == (None, None)
    amperes, volts = {"aidon": (100, 1), "kaifa": (1, 1), "kamstrup": (10, 10)}[make]
    energy = 1 if make == "kaifa" else 10
    found = powers
    for kind, step, measured in (
        ("current_ma", amperes, values.current_ma),
        ("phase_dv", volts, values.phase_dv),
    ):
        for phase, value in enumerate(measured, 1):
            absent = phase > 1 if single else value is None and make != "kaifa"
            if not absent:
                found[f"l{phase}_{kind}"] = (value or 0) // step * step
    if number == 3:
        names = (
            "import_energy_wh",
            "export_energy_wh",
            "import_reactive_energy_varh",
            "export_reactive_energy_varh",
        )
        found |= {name: value // energy * energy for name, value in zip(names, values.energies, strict=True)}
    return found


@given(st.sampled_from(MAKES), st.sampled_from((1, 2, 3)), VALUES)
def test_what_a_meter_sends_is_what_is_read(make, number, values):
    payload = meters.payload(make, number, values, CLOCK, meter_id="1234567890")
    found = decode(payload)
    assert found.make == make
    assert {name: value for name, (value, _) in found.values.items()} == expected(make, number, values)
    assert found.clock == (None if make == "aidon" and number < 3 else tuple(CLOCK_PARTS))
    assert found.identity is None or found.identity.meter_id in ("1234567890", b"1234567890")
    assert "1234567890" not in repr(found)


def test_made_lists_on_both(on_both):
    values = meters.Values(
        5120, 1, 130, 17, (9100, None, 12640), (2301, 2299, 2318), 2**32 - 1, 10, 4567, 7890
    )
    cases = [(make, number) for make in MAKES for number in (1, 2, 3)]
    found = on_both(lists, [meters.payload(*case, values, CLOCK).hex() for case in cases])
    assert [result[2] for result in found] == [expected(*case, values) for case in cases]


def test_old_kamstrup_lists_have_a_tag_before_the_date(on_both):
    payload = meters.payload("kamstrup", 2, meters.Values(77), CLOCK)
    old = payload[:8] + b"\x09" + payload[8:]
    assert payload[8] == 0x0C
    (found,) = on_both(lists, [old.hex()])
    assert (found[0], found[1], found[2]["import_power_w"]) == ("kamstrup", CLOCK_PARTS, 77)


def aidon(*objects):
    body = bytes.fromhex("e6e7000f4000000000") + bytes((0x01, len(objects))) + b"".join(objects)
    return body.hex()


def scaled(code, value, scaler, unit):
    obis = bytes(int(part) for part in code.split("."))
    return b"\x02\x03\x09\x06" + obis + value + bytes((0x02, 0x02, 0x0F, scaler & 0xFF, 0x16, unit))


@pytest.mark.parametrize(
    ("scaler", "unit", "code", "raw", "value"),
    [
        (0, 27, "1.0.1.7.0.255", 1234, 1234),
        (3, 27, "1.0.1.7.0.255", 12, 12000),
        (-3, 27, "1.0.1.7.0.255", 1499, 1),
        (-3, 27, "1.0.1.7.0.255", 1500, 2),
        (-2, 33, "1.0.31.7.0.255", 123, 1230),
        (-3, 33, "1.0.31.7.0.255", 123, 123),
        (-4, 33, "1.0.31.7.0.255", 125, 13),
        (0, 35, "1.0.32.7.0.255", 230, 2300),
        (-2, 35, "1.0.32.7.0.255", 23014, 2301),
        (1, 30, "1.0.1.8.0.255", 7, 70),
        (3, 32, "1.0.3.8.0.255", 7, 7000),
    ],
)
def test_scalers_of_aidon(on_both, scaler, unit, code, raw, value):
    (found,) = on_both(lists, [aidon(scaled(code, b"\x06" + raw.to_bytes(4, "big"), scaler, unit))])
    assert list(found[2].values()) == [value]


@pytest.mark.parametrize(
    ("code", "value", "unit", "why"),
    [
        ("1.0.1.7.0.255", b"\x06\x00\x00\x00\x01", 33, "unit 33"),
        ("1.0.1.7.0.255", b"\x06\x00\x00\x00\x01", 99, "scaler"),
        ("1.0.1.7.0.255", b"\x0a\x01a", 27, "no number"),
        ("1.0.1.7.0.255", b"\x33", 27, "unknown type 0x33"),
        ("0.0.1.0.0.255", b"\x09\x01\x00", 27, "date-time of 1"),
        ("0.0.96.1.0.255", b"\x06\x00\x00\x00\x01", 27, "no text"),
        ("9.9.9.9.9.255", b"\x06\x00\x00\x00\x01", 27, "nothing measured"),
    ],
)
def test_what_is_no_list_is_refused_in_words(on_both, code, value, unit, why):
    assert why in on_both(lists, [aidon(scaled(code, value, 0, unit))])[0]


def test_more_refusals(on_both):
    power = scaled("1.0.1.7.0.255", b"\x06\x00\x00\x00\x01", 0, 27)
    texts = {
        aidon(power, power): "twice",
        aidon(power)[:-2]: "ends inside",
        aidon(power) + "00": "behind the list",
        "": "ends inside",
        "e6e700": "ends inside",
        "e6e7000e" + "00" * 20: "no data-notification",
        "e6e7000f40000000000600000001": "no list",
        "e6e7000f400000000001" + "00": "no list",
        "e6e7000f4000000000" + "0101" * 5 + "00": "nested",
        "e6e7000f400000000001ff": "255 elements",
        "e6e7000f400000000002020600000001" + "0600000001": "2 elements",
        "e6e7000f400000000002030a00" + "09060101010700ff": "ends inside",
        "e6e7000f400000000002040a0009060101010700ff060000000106" + "00000001": "without its value",
        "e6e7000f0000000003000000" + "0201" + "0600000001": "date-time of 3",
    }
    for (text, why), found in zip(texts.items(), on_both(lists, list(texts)), strict=True):
        assert why in found, text


def test_range_checks_on_what_a_checksum_lets_through(on_both):
    cases = [
        ("1.0.1.7.0.255", 2_000_000, 27, OK),
        ("1.0.1.7.0.255", 2_000_001, 27, OUT_OF_RANGE),
        ("1.0.31.7.0.255", 4_001, 33, OUT_OF_RANGE),
        ("1.0.32.7.0.255", 501, 35, OUT_OF_RANGE),
        ("1.0.32.7.0.255", 0, 35, OK),
    ]
    found = on_both(
        lists,
        [aidon(scaled(code, b"\x06" + raw.to_bytes(4, "big"), 0, unit)) for code, raw, unit, _ in cases],
    )
    assert [result[3] for result in found] == [quality for *_, quality in cases]
    negative = aidon(scaled("1.0.31.7.0.255", b"\x10\xff\xfe", -1, 33))
    assert on_both(lists, [negative])[0][2:4] == [{"l1_current_ma": -200}, OUT_OF_RANGE]


def test_a_clock_that_is_not_set_is_none(on_both):
    payload = bytearray(meters.payload("kaifa", 1, meters.Values(5), CLOCK))
    at = payload.index(CLOCK.year.to_bytes(2, "big"))
    for field, byte in ((0, 0xFF), (2, 13), (2, 0), (3, 32), (5, 24), (6, 60), (7, 60), (7, 0xFF)):
        broken = payload[:]
        broken[at + field] = byte
        (found,) = on_both(lists, [broken.hex()])
        assert (found[1], found[2]) == (None, {"import_power_w": 5})


@given(st.sampled_from(MAKES), st.sampled_from((1, 2, 3)), st.data())
def test_broken_lists_raise_nothing_but_list_error(make, number, data):
    payload = bytearray(meters.payload(make, number, meters.Values(5120), CLOCK))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(payload[: data.draw(st.integers(0, len(payload)))] or payload))
    except ListError:
        return
    assert found.values
    assert all(isinstance(value, int) for value, _ in found.values.values())


@given(st.binary(max_size=200))
def test_noise_raises_nothing_but_list_error(noise):
    for payload in (noise, b"\xe6\xe7\x00\x0f" + noise, b"\xe6\xe7\x00\x0f\x40\x00\x00\x00\x00" + noise):
        try:
            decode(payload)
        except ListError:
            continue


def test_every_byte_of_every_recorded_list_broken_on_both(on_both):
    vectors = []
    for name, text in RECORDED.items():
        if not name.startswith("hdlc:"):
            payload = bytes.fromhex(text)
            for at in range(0, len(payload), 3):
                broken = payload[:at] + bytes((payload[at] ^ 0x41 + at % 7,)) + payload[at + 1 :]
                vectors.append(broken.hex())
    on_both(lists, vectors)
