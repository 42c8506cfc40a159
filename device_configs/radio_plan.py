"""What a LoRa node will use of the air, of the law's limit and of its battery, from its configuration. Pure.

The battery model is the project's own (see docs/radio.md): figures that compare, not measurements.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from device_configs.radio_schema import Lora
from device_configs.schema import Profile
from wire.airtime import FRAME_MAX, airtime_ms, header_ms, limit_ms, sub_band
from wire.frame import HEADER_SIZE, TAG_SIZE
from wire.quantities import BY_NAME

STATUS_BYTES = 110
ENVELOPE_BYTES = 1 + 1 + 3 + 4  # of a record: schema, epoch, sequence, time
RETRY = 1.25  # sendings of a record: measured 1.2 in the soak with a gateway that is away six hours of a day
LEDGER = 0.75  # of the limit that a node allows itself: the rest is set apart for power cuts
ASK_EVERY = 6  # reports

CELL_MC = 68_400_000.0  # a D cell of 19 Ah, all of it at 20 °C ...
COLD = 0.6  # ... and this much at -20 °C
SLEEP_MA = 0.030
BOOT_MC, CPU_MA, SCRIPT_S = 24.0, 45.0, 0.25
TX_MA_AT_DBM = ((14, 45.0), (17, 70.0), (20, 90.0), (22, 118.0))  # SX1262 data sheet, table 3-7
RX_MA, LIGHT_SLEEP_MA = 6.0, 0.8
# Seconds a sensor takes to read, and mA at the battery while it has supply (a loop: 12 mA at 12 V, boosted).
SENSORS = {"mb7374": (0.17, 3.1), "ads1115": (0.06, 50.0), "ds18b20": (0.75, 1.5), "battery": (0.02, 0.0)}
YEAR_S = 31_557_600


@dataclass(frozen=True, slots=True)
class Plan:
    """`worst_permille` is the share of the law's limit at the shortest interval; years with one D cell."""

    report_bytes: int
    airtime_ms: int
    permille: float
    worst_permille: float
    nodes: int
    years: float | None
    years_cold: float | None

    @property
    def lawful(self) -> bool:
        """Whether the node can report as often as it is told to, all its channels taken together."""
        return self.worst_permille <= 1000 * LEDGER


def plan(
    profile: Profile,
    lora: Lora,
    interval_s: int,
    event_interval_s: int | None = None,
    sensors: Mapping[str, Mapping[str, int | str]] | None = None,
    warmup_ms: int = 0,
) -> Plan:
    """Return what a node of `profile` comes to."""
    bits = sum(1 + BY_NAME[channel.quantity].width for channel in profile.channels)
    size = HEADER_SIZE + ENVELOPE_BYTES + -(-bits // 8) + TAG_SIZE
    sf, bw = lora.spreading_factor, lora.bandwidth_khz
    if profile.batch_s:
        per_frame = max(1, (FRAME_MAX[sf] - size) // -(-bits // 16) + 1)
        records = max(1, min(per_frame, profile.batch_s // interval_s))
        size = min(FRAME_MAX[sf], size + (records - 1) * -(-bits // 16))
        interval_s = max(interval_s * records, interval_s)
    ms = airtime_ms(size, sf, bw)
    whole = sum(limit_ms(band) for band in {sub_band(khz, bw) for khz in lora.uplinks_khz})
    daily_ms = airtime_ms(STATUS_BYTES, sf, bw) / 24

    def permille(every_s: int) -> float:
        return (3600 / every_s * ms * RETRY + daily_ms) * 1000 / whole

    years = None
    if profile.power == "battery":
        current_ma = SLEEP_MA + _cycle_mc(profile, lora, ms, sensors or {}, warmup_ms) / interval_s
        years = CELL_MC / current_ma / YEAR_S
    return Plan(
        size,
        ms,
        permille(interval_s),
        permille(min(interval_s, event_interval_s or interval_s)),
        nodes_per_gateway(lora, ms, interval_s),
        years,
        years and years * COLD,
    )


def _cycle_mc(
    profile: Profile, lora: Lora, ms: int, sensors: Mapping[str, Mapping[str, int | str]], warmup_ms: int
) -> float:
    """Return the charge of one wake in mC."""
    reading_s = sensors_mc = 0.0
    for slot, kind in profile.sensors.items():
        each_s, ma = SENSORS.get(kind, (0.1, 5.0))
        each_s *= float(sensors.get(slot, {}).get("pings", 1))
        reading_s += each_s
        sensors_mc += ma * (each_s + warmup_ms / 1000)
    awake_s = warmup_ms / 1000 + reading_s + SCRIPT_S + ms / 1000 * RETRY
    transmit_ma = next((ma for dbm, ma in TX_MA_AT_DBM if lora.power_dbm <= dbm), TX_MA_AT_DBM[-1][1])
    listening_s = 0.1 + header_ms(lora.spreading_factor, lora.bandwidth_khz) / 1000
    answer = (RX_MA * listening_s + LIGHT_SLEEP_MA * lora.answer_delay_ms / 1000) / ASK_EVERY
    return BOOT_MC + CPU_MA * awake_s + sensors_mc + transmit_ma * ms / 1000 * RETRY + answer


def nodes_per_gateway(lora: Lora, ms: int, interval_s: int) -> int:
    """Return how many such nodes one receiver takes, so that nine of ten reports arrive at the first try.

    Pure ALOHA: a packet gets through with exp(-2 G), G being the traffic of its channel in erlangs; and the
    answers (one in six, about 40 bytes) fit 70 % of the transmitter's airtime.
    """
    load = 0.0527 * len(lora.uplinks_khz)  # erlangs at which exp(-2 G) is 0.9
    by_air = load * interval_s * 1000 / (ms * RETRY)
    answer_ms = airtime_ms(40, lora.spreading_factor, lora.bandwidth_khz)
    allowed_ms = 0.7 * limit_ms(sub_band(lora.downlink_khz, lora.bandwidth_khz))
    by_answers = allowed_ms * interval_s * ASK_EVERY / (3600 * answer_ms)
    return int(min(by_air, by_answers))
