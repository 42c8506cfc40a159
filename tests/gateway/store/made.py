"""Records made up for the tests of the store."""

from gateway.model import Record


def made(seq: int, *, node: int = 11, epoch: int = 0xA1B2C3D4, at_s: int | None = None) -> Record:
    at_s = 1_795_000_000 + 600 * seq if at_s is None else at_s
    return Record(
        node, epoch, seq, at_s, 2000, at_s * 1000 + 900, 1, (seq, None, -5), (0, 2, 0), "mqtt", -70, 9.25
    )
