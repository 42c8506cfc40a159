"""Bit streams, most significant bit first, and the Rice code of signed deltas; records.py reads them."""

RICE_LIMIT = 20  # ones after which a value is written in full instead: bounds the worst case


def zigzag(n: int) -> int:
    """Map 0, -1, 1, -2, ... to 0, 1, 2, 3, ..."""
    return n << 1 if n >= 0 else ((-n) << 1) - 1


def unzigzag(z: int) -> int:
    return -((z + 1) >> 1) if z & 1 else z >> 1


class BitWriter:
    def __init__(self, out: bytearray) -> None:
        self._out = out
        self._pending = 0  # bits not yet written, fewer than eight between calls
        self._count = 0

    def put(self, n: int, width: int) -> None:
        """Append the low `width` bits of `n`."""
        while width > 16:  # keeps the accumulator a small int on a 32-bit MicroPython
            width -= 16
            self._put(n >> width & 0xFFFF, 16)
        self._put(n & (1 << width) - 1, width)

    def _put(self, n: int, width: int) -> None:
        pending = self._pending << width | n
        count = self._count + width
        while count >= 8:
            count -= 8
            self._out.append(pending >> count & 0xFF)
        self._pending = pending & (1 << count) - 1
        self._count = count

    def put_rice(self, z: int, k: int) -> bool:
        """Append `z` with Rice parameter `k`; False where it is too long: the caller writes it in full."""
        ones = z >> k
        if ones >= RICE_LIMIT:
            self.put((1 << RICE_LIMIT) - 1, RICE_LIMIT)
            return False
        self.put((1 << ones + 1) - 2 << k | z & (1 << k) - 1, ones + 1 + k)
        return True

    def close(self) -> None:
        """Fill the last byte with zero bits."""
        if self._count:
            self._out.append(self._pending << (8 - self._count) & 0xFF)
            self._pending = self._count = 0


def rice_parameter(deltas: "list[int]", width: int) -> int:
    """Return the parameter 0..14 that makes `deltas` (zigzagged) shortest; a full value has `width` bits."""
    best, best_bits = 0, -1
    for k in range(15):
        if 0 <= best_bits <= len(deltas) * (k + 1):
            break  # from here on every value takes at least k + 1 bits
        bits = 0
        for z in deltas:
            ones = z >> k
            bits += RICE_LIMIT + width if ones >= RICE_LIMIT else ones + 1 + k
        if best_bits < 0 or bits < best_bits:
            best, best_bits = k, bits
    return best
