"""How well radio links hold: each receiver that heard a node's newest record, and what it had to spare."""

from dataclasses import dataclass

from gateway.model import Heard, StoredRecord

# Lowest signal-to-noise ratio (dB) at which a frame of this spreading factor is heard: SX1276 data sheet.
SNR_LEAST = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}


@dataclass(frozen=True, slots=True)
class Link:
    """`margin_db`: by how many dB a receiver heard the node better than it had to."""

    heard: Heard
    margin_db: float | None


def links(last: StoredRecord | None) -> tuple[Link, ...]:
    """Return the links of a node whose newest record is `last`, the best first; none without a radio."""
    return tuple(Link(heard, margin_db(heard)) for heard in last.receivers) if last else ()


def margin_db(heard: Heard) -> float | None:
    """Return SNR less what its spreading factor needs; None for one that needs nobody knows what."""
    least = SNR_LEAST.get(heard.spreading_factor)
    return None if least is None else heard.snr_db - least
