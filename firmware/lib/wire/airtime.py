"""What both ends of a LoRa link must agree on: airtime, and how much of it the law allows. Pure.

Integers only, so that a node's single-precision floats decide nothing.
"""

# ETSI EN 300 220-2 V3.2.1, annex B, as CEPT/ERC/REC 70-03 has it: kHz from and to, permille of an hour.
SUB_BANDS = (
    (863000, 865000, 1),
    (865000, 868000, 10),
    (868000, 868600, 10),
    (868700, 869200, 1),
    (869400, 869650, 100),
    (869700, 870000, 10),
)

HOUR_S = 3600
SLOT_S = 300
SLOTS = 14  # the open one, twelve that make an hour, and one for a clock that runs fast
UNIT_MS = 16  # what is spent is rounded up to this, so that a slot fits 16 bits
LEDGER_BYTES = 4 + 2 * SLOTS

# Longest data frame by spreading factor: about half a second on the air, or one record of the widest profile.
FRAME_MAX = {7: 222, 8: 222, 9: 115, 10: 80, 11: 80, 12: 80}


def airtime_us(size: int, sf: int, bw_khz: int = 125) -> int:
    """Return the µs a packet of `size` bytes takes: preamble 8, explicit header, CRC, coding rate 4/5.

    Semtech SX1276 data sheet, section 4.1.1.7; low data rate optimisation where a symbol takes 16 ms.
    """
    slow = 1 if (1 << sf) >= 16 * bw_khz else 0
    bits = max(8 * size - 4 * sf + 44, 0)
    per_block = 4 * (sf - 2 * slow)
    symbols = 8 + (bits + per_block - 1) // per_block * 5
    return (4 * symbols + 49) * (250 << sf) // bw_khz


def airtime_ms(size: int, sf: int, bw_khz: int = 125) -> int:
    """Return the airtime rounded up."""
    return (airtime_us(size, sf, bw_khz) + 999) // 1000


def header_ms(sf: int, bw_khz: int = 125) -> int:
    """Return how long a packet has been on the air when its header is over, rounded up."""
    return (81 * (250 << sf) // bw_khz + 999) // 1000


def sub_band(frequency_khz: int, bw_khz: int = 125) -> int:
    """Return which of SUB_BANDS a channel lies in. ValueError where it lies in none as a whole."""
    for i, (low, high, _) in enumerate(SUB_BANDS):
        if low <= frequency_khz - bw_khz // 2 and frequency_khz + bw_khz // 2 <= high:
            return i
    raise ValueError("%d kHz with %d kHz bandwidth lies in no sub-band" % (frequency_khz, bw_khz))


def limit_ms(band: int) -> int:
    """Return the ms of airtime that a sub-band allows in any hour."""
    return SUB_BANDS[band][2] * HOUR_S


class Ledger:
    """Airtime spent in one sub-band, by slots of five minutes: never more than `limit` in any hour.

    Times are seconds of any clock that goes forward; where it goes back, nothing is forgotten.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit  # ms
        self._newest = 0  # number of the newest slot
        self._slots = [0] * SLOTS  # in UNIT_MS; the newest first

    def _advance(self, now_s: int) -> None:
        passed = now_s // SLOT_S - self._newest
        if passed > 0:
            self._newest += passed
            self._slots = ([0] * min(passed, SLOTS) + self._slots)[:SLOTS]

    def spare_ms(self, now_s: int) -> int:
        """Return how many ms may be spent now."""
        self._advance(now_s)
        return max(self.limit - sum(self._slots) * UNIT_MS, 0)

    def spend(self, now_s: int, ms: int) -> None:
        """Enter `ms`, before they are on the air."""
        self._advance(now_s)
        self._slots[0] = min(self._slots[0] + (ms + UNIT_MS - 1) // UNIT_MS, 0xFFFF)

    def pack(self) -> bytes:
        """Return LEDGER_BYTES bytes."""
        out = bytearray(self._newest.to_bytes(4, "little"))
        for slot in self._slots:
            out += slot.to_bytes(2, "little")
        return bytes(out)

    def unpack(self, raw: bytes) -> None:
        """Go on from what `pack` gave."""
        self._newest = int.from_bytes(raw[:4], "little")
        self._slots = [int.from_bytes(raw[4 + 2 * i : 6 + 2 * i], "little") for i in range(SLOTS)]
