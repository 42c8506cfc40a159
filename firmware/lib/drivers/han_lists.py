"""The lists Norwegian meters push on the HAN port: payload in, integers out. Part of han.

NEK HAN personal metering information, list descriptions of Aidon, Kaifa and Kamstrup; IEC 62056-53
(DLMS/COSEM application layer: data-notification, A-XDR types) and IEC 62056-61 (OBIS).

Aidon sends (OBIS, value, scaler and unit) for each object, Kamstrup pairs of OBIS and value, Kaifa
values alone whose meaning is their place. Objects a meter does not measure are left out.
"""

from collections import namedtuple

from wire.quantities import OK, OUT_OF_RANGE

# (C, D) of the OBIS code 1.b.C.D.e.f -> name: direction or phase, quantity, unit
NAMES = {
    (1, 7): "import_power_w",
    (2, 7): "export_power_w",
    (3, 7): "import_reactive_var",
    (4, 7): "export_reactive_var",
    (31, 7): "l1_current_ma",
    (51, 7): "l2_current_ma",
    (71, 7): "l3_current_ma",
    (32, 7): "l1_phase_dv",
    (52, 7): "l2_phase_dv",
    (72, 7): "l3_phase_dv",
    (1, 8): "import_energy_wh",
    (2, 8): "export_energy_wh",
    (3, 8): "import_reactive_energy_varh",
    (4, 8): "export_reactive_energy_varh",
}

_POWERS = ((1, 7), (2, 7), (3, 7), (4, 7))
_REGISTERS = ((1, 8), (2, 8), (3, 8), (4, 8))
_PHASES_3 = ((31, 7), (51, 7), (71, 7), (32, 7), (52, 7), (72, 7))
_PHASES_1 = ((31, 7), (32, 7))
# Kaifa: number of elements -> the objects in their order. Three texts come before all but the shortest
# (list version, meter id, meter type) and the clock before the registers.
_KAIFA = {
    1: (False, _POWERS[:1], ()),
    9: (True, _POWERS + _PHASES_1, ()),
    13: (True, _POWERS + _PHASES_3, ()),
    14: (True, _POWERS + _PHASES_1, _REGISTERS),
    18: (True, _POWERS + _PHASES_3, _REGISTERS),
}

# DLMS unit -> power of ten of the unit the name says: W, var, Wh, varh as they are, A to mA, V to 0.1 V
_UNITS = {27: 0, 29: 0, 30: 0, 32: 0, 33: -3, 35: -1}
_UNIT_OF = {"w": 27, "var": 29, "wh": 30, "varh": 32, "ma": 33, "dv": 35}

# What a 16-bit check lets through one time in 65536 is held against what a municipal building can have:
# 2 MW and 4000 A behind current transformers, 500 V, 10 TWh on a register. Zero volt is no error: some meters
# give it for a phase they do not measure in an IT net.
_LIMITS = {"w": 2000000, "var": 2000000, "ma": 4000000, "dv": 5000, "wh": 10**13, "varh": 10**13}

LARGEST_LIST = 64
DEEPEST = 3

# make: "aidon", "kaifa" or "kamstrup"
# clock: (year, month, day, hour, minute, second) as the meter gave it, or None. Local time without a
#   deviation; Kamstrup keeps standard time all year.
# values: name -> (value, OK or OUT_OF_RANGE)
# identity: meter id and type. It names a customer: compare it, never publish it.
MeterList = namedtuple("MeterList", ("make", "clock", "values", "identity"))


class ListError(ValueError):
    """The payload is no list of these meters."""


class Identity:
    """Who the meter is; shown nowhere by itself, so that it does not get into a log by mistake."""

    def __init__(self, meter_id, meter_type):
        self.meter_id = meter_id
        self.meter_type = meter_type

    def __repr__(self):
        return "Identity(kept back)"

    def __eq__(self, other):
        return isinstance(other, Identity) and self.meter_id == other.meter_id

    def __hash__(self):
        return hash(self.meter_id)


class _Reader:
    """A-XDR data, each element read once; runs off the end with ListError."""

    def __init__(self, data):
        self._data = data
        self.at = 0

    def take(self, count):
        end = self.at + count
        if end > len(self._data):
            raise ListError("ends inside an element")
        part = self._data[self.at : end]
        self.at = end
        return part

    def byte(self):
        return self.take(1)[0]

    def number(self, size, signed):
        value = int.from_bytes(self.take(size), "big")
        return value - (1 << 8 * size) if signed and value >> 8 * size - 1 else value

    def count(self):
        count = self.byte()
        if count > LARGEST_LIST:
            raise ListError("%d elements or bytes in one object" % count)
        return count

    def element(self, depth=0):
        """A list, bytes (octet string), str (visible string), int or None."""
        tag = self.byte()
        if tag in (0x01, 0x02):  # array, structure
            if depth == DEEPEST:
                raise ListError("nested too deep")
            return [self.element(depth + 1) for _ in range(self.count())]
        if tag == 0x09:
            return bytes(self.take(self.count()))
        if tag == 0x0A:
            return _text(self.take(self.count()))
        if tag in _NUMBERS:
            return self.number(*_NUMBERS[tag])
        if tag == 0x00:
            return None
        raise ListError("unknown type 0x%02x" % tag)


_NUMBERS = {
    0x05: (4, True),
    0x06: (4, False),
    0x0F: (1, True),
    0x10: (2, True),
    0x11: (1, False),
    0x12: (2, False),
    0x14: (8, True),
    0x15: (8, False),
    0x16: (1, False),
}


def _text(data):
    for byte in data:
        if not 0x20 <= byte < 0x7F:
            raise ListError("text with byte 0x%02x" % byte)
    return bytes(data).decode()


def _clock(data):
    # The first eight bytes of a COSEM date-time, without the day of the week; None where it is not set.
    if len(data) != 12:
        raise ListError("a date-time of %d bytes" % len(data))
    clock = (data[0] << 8 | data[1], data[2], data[3], data[5], data[6], data[7])
    lowest = (2000, 1, 1, 0, 0, 0)
    highest = (2099, 12, 31, 23, 59, 59)
    for i in range(6):
        if not lowest[i] <= clock[i] <= highest[i]:
            return None
    return clock


def _scaled(value, power):
    # value * 10**power, rounded half up.
    if power >= 0:
        return value * 10**power
    divisor = 10**-power
    return (value + divisor // 2) // divisor


class _Collector:
    def __init__(self):
        self.clock = None
        self.values = {}
        self.meter_id = None
        self.meter_type = None

    def put(self, c, d, value, power=0, unit=None):
        # One measured object, in units of 10**power of what its name says.
        name = NAMES.get((c, d))
        if name is None or value is None:
            return
        kind = name[name.rindex("_") + 1 :]
        if not isinstance(value, int):
            raise ListError("%s is no number" % name)
        if unit is not None and unit != _UNIT_OF[kind]:
            raise ListError("%s in unit %d" % (name, unit))
        if name in self.values:
            raise ListError("%s twice" % name)
        value = _scaled(value, power)
        self.values[name] = (value, OK if 0 <= value <= _LIMITS[kind] else OUT_OF_RANGE)

    def put_identity(self, meter_id, meter_type):
        for text in (meter_id, meter_type):
            if text is not None and not isinstance(text, (bytes, str)):
                raise ListError("the meter's name is no text")
        self.meter_id = meter_id
        self.meter_type = meter_type

    def put_object(self, obis, value, power=0, unit=None):
        # One object by its whole OBIS code.
        if not _is_obis(obis):
            raise ListError("no OBIS code where one is due")
        medium, _, c, d, e, _ = obis
        if (c, d) == (1, 0) and medium == 0:
            if not isinstance(value, bytes):
                raise ListError("the clock is no date-time")
            self.clock = _clock(value)
        elif (c, d, e) in ((96, 1, 0), (0, 0, 5)):
            self.put_identity(value, self.meter_type)
        elif (c, d, e) in ((96, 1, 7), (96, 1, 1)):
            self.put_identity(self.meter_id, value)
        elif medium == 1:
            self.put(c, d, value, power, unit)


_POWER_CODES = tuple([bytes(code) for code in _POWERS])


def _is_obis(item):
    return isinstance(item, bytes) and len(item) == 6


def _aidon(body, into):
    for item in body:
        if not isinstance(item, list) or not 2 <= len(item) <= 3:
            raise ListError("an object of the wrong shape")
        if len(item) == 2:
            into.put_object(item[0], item[1])
            continue
        scale = item[2]
        if not isinstance(scale, list) or len(scale) != 2:
            raise ListError("a scaler of the wrong shape")
        scaler, unit = scale
        if unit not in _UNITS or not isinstance(scaler, int) or not -6 <= scaler <= 6:
            raise ListError("a scaler out of range")
        into.put_object(item[0], item[1], scaler - _UNITS[unit], unit)


def _kamstrup(body, into):
    if len(body) % 2 == 0:
        raise ListError("an OBIS code without its value")
    for i in range(1, len(body), 2):
        # Powers come as they are; 0.01 A, V and 10 Wh are each ten times the unit of the name.
        into.put_object(body[i], body[i + 1], 0 if _is_obis(body[i]) and body[i][2:4] in _POWER_CODES else 1)


def _kaifa(body, into):
    if len(body) not in _KAIFA:
        raise ListError("%d elements" % len(body))
    texts, measured, registers = _KAIFA[len(body)]
    at = 0
    if texts:
        into.put_identity(body[1], body[2])
        at = 3
    for c, d in measured:
        into.put(c, d, body[at])
        at += 1
    if registers:
        if not isinstance(body[at], bytes):
            raise ListError("no clock where it is due")
        into.clock = _clock(body[at])
        for c, d in registers:
            at += 1
            into.put(c, d, body[at])


def decode(payload: bytes) -> MeterList:
    """The list in a payload that begins with the LLC header E6 E7 00. Raises ListError for anything else."""
    reader = _Reader(payload)
    if reader.take(4) != b"\xe6\xe7\x00\x0f":
        raise ListError("no data-notification behind an LLC header")
    reader.take(4)  # invoke id and priority
    into = _Collector()
    # The date-time may be absent, an octet string, or an octet string without its tag.
    size = reader.byte()
    if size == 0x09:
        size = reader.byte()
    sent_at = _clock(reader.take(size)) if size else None
    by_object = payload[reader.at : reader.at + 1] == b"\x01"
    body = reader.element()
    if reader.at != len(payload):
        raise ListError("%d bytes behind the list" % (len(payload) - reader.at))
    if not isinstance(body, list) or not body:
        raise ListError("no list")
    if by_object:
        make, take = "aidon", _aidon
    elif len(body) > 2 and _is_obis(body[1]):
        make, take = "kamstrup", _kamstrup
    else:
        make, take = "kaifa", _kaifa
    take(body, into)
    if not into.values:
        raise ListError("nothing measured in it")
    identity = None if into.meter_id is None else Identity(into.meter_id, into.meter_type)
    return MeterList(make, into.clock or sent_at, into.values, identity)
