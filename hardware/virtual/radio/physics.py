"""LoRa on 868 MHz in formulas: airtime, noise, demodulation limits, rejection, path loss. Pure.

Written from the data sheets, apart from the firmware's own formulas: the medium judges those.
"""

import math
from collections.abc import Sequence

# Lowest signal-to-noise ratio at which a packet is demodulated, dB (Semtech AN1200.22, SX1276 table 13).
SNR_LIMIT_DB = {5: -2.5, 6: -5.0, 7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
NOISE_FIGURE_DB = 6.0
THERMAL_DBM_HZ = -174.0
# How many dB a packet must be above one of its own spreading factor to be demodulated all the same.
CAPTURE_DB = 6.0
# The same against other spreading factors: row the packet's, column the interferer's, SF7 to SF12
# (Croce et al., "Impact of LoRa Imperfect Orthogonality", IEEE Communications Letters 22(4), 2018).
REJECTION_DB = (
    (CAPTURE_DB, -8, -9, -9, -9, -9),
    (-11, CAPTURE_DB, -11, -12, -13, -13),
    (-15, -13, CAPTURE_DB, -13, -14, -15),
    (-19, -18, -17, CAPTURE_DB, -17, -18),
    (-22, -22, -21, -20, CAPTURE_DB, -20),
    (-25, -25, -25, -24, -23, CAPTURE_DB),
)
LOSS_AT_1_M_DB = 31.2  # free space, 868 MHz


def symbol_s(sf: int, bw_khz: int) -> float:
    return float(2**sf / (bw_khz * 1000))


def airtime_s(size: int, sf: int, bw_khz: int = 125, preamble: int = 8) -> float:
    """Duration of a packet: explicit header, CRC, coding rate 4/5 (SX1276 data sheet, 4.1.1.7)."""
    slow = symbol_s(sf, bw_khz) > 0.01599
    blocks = math.ceil((8 * size - 4 * sf + 28 + 16) / (4 * (sf - (2 if slow else 0))))
    return (preamble + 4.25 + 8 + max(blocks, 0) * 5) * symbol_s(sf, bw_khz)


def busiest_hour_s(sent: Sequence[tuple[float, float]]) -> float:
    """Return the most seconds on the air in any 3600 s.

    `sent` has start and airtime of each packet, in order.
    """
    worst = 0.0
    for i, (start_s, airtime) in enumerate(sent):
        # The worst window ends with a transmission; one that began before it counts with its part in it.
        begin_s = start_s + airtime - 3600
        total, j = 0.0, i
        while j >= 0 and sent[j][0] + sent[j][1] > begin_s:
            total += sent[j][1] - max(0.0, begin_s - sent[j][0])
            j -= 1
        worst = max(worst, total)
    return worst


def noise_dbm(bw_khz: int = 125) -> float:
    return THERMAL_DBM_HZ + 10 * math.log10(bw_khz * 1000) + NOISE_FIGURE_DB


def sensitivity_dbm(sf: int, bw_khz: int = 125) -> float:
    """Weakest signal that is demodulated."""
    return noise_dbm(bw_khz) + SNR_LIMIT_DB[sf]


def path_loss_db(distance_m: float, exponent: float) -> float:
    """Log-distance model; exponent 2 is free space, 2.7 to 3.5 a town with low houses."""
    return LOSS_AT_1_M_DB + 10 * exponent * math.log10(max(distance_m, 1.0))


def survives(signal_dbm: float, sf: int, other_dbm: float, other_sf: int) -> bool:
    """Whether a packet is demodulated while another one on its channel is on the air."""
    if 7 <= sf <= 12 and 7 <= other_sf <= 12:
        margin = REJECTION_DB[sf - 7][other_sf - 7]
    else:
        margin = CAPTURE_DB if sf == other_sf else -8
    return signal_dbm - other_dbm >= margin
