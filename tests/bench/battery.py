"""The charge of one cycle of a battery node, term by term.

Modelled: constants of data sheets and of measurements by others on ESP32, fixed so that figures compare,
until a bench measures the board itself.
"""

from dataclasses import dataclass

from wire.airtime import airtime_ms, header_ms

INTERVAL_S = 600
CELL_MC = 19 * 3600 * 1000.0  # a 19 Ah Li-SOCl2 D cell
USABLE_COLD = 0.6  # at -20 degrees
SLEEP_MA = 0.030  # the whole board
CPU_MA = 45.0
BOOT_MC = 24.0  # until the first line of main.py, file system mounted
NS_PER_INSTRUCTION = 9.4  # an ESP32 at 160 MHz, 1.5 cycles for what is one instruction on the host
TX_MA = 45.0  # SX1262 at +14 dBm
RX_MA = 6.0
AIRTIME_SF = 9
WINDOW_EXTRA_MS = 85  # early and late, see node/carriers/lora.py
ASKS_EVERY = 6  # reports: only these listen for an answer
RANGER_MA, PING_S, PINGS = 3.1, 0.15, 11
LOOP_MA, LOOP_V, BOOST, CELL_V, SETTLE_S, LOOPS = 12.0, 12.0, 0.8, 3.6, 2.0, 2
YEAR_CYCLES = 365.25 * 86_400 / INTERVAL_S


@dataclass(frozen=True, slots=True)
class Cycle:
    """One wake as measured: ms awake without radio, instructions, bytes of its sealed frame."""

    profile: str
    awake_ms: int
    instructions: int
    frame_bytes: int


def charge_mc(cycle: Cycle) -> dict[str, float]:
    """The terms of one cycle, in mC."""
    on_air_s = airtime_ms(cycle.frame_bytes, AIRTIME_SF) / 1000
    window_s = (header_ms(AIRTIME_SF) + WINDOW_EXTRA_MS) / 1000 / ASKS_EVERY
    computing_s = cycle.instructions * NS_PER_INSTRUCTION * 1e-9
    awake_s = cycle.awake_ms / 1000
    terms = {
        "sleep": SLEEP_MA * (INTERVAL_S - awake_s),
        "boot": BOOT_MC,
        "cpu_waiting_for_sensors": CPU_MA * awake_s,
        "cpu_computing": CPU_MA * computing_s,
        "cpu_during_transmission": CPU_MA * on_air_s,
        "transmit": TX_MA * on_air_s,
        "receive": RX_MA * window_s,
    }
    if cycle.profile == "snow":
        terms["ranger"] = RANGER_MA * PING_S * PINGS
    if cycle.profile == "intake":
        terms["loops"] = LOOPS * SETTLE_S * LOOP_MA * LOOP_V / (BOOST * CELL_V)
    return terms


def years(charge: float, cells: int, cold: bool = False) -> float:
    """Years until `cells` cells are empty at `charge` mC a cycle; self-discharge is left out."""
    return CELL_MC * cells * (USABLE_COLD if cold else 1.0) / charge / YEAR_CYCLES
