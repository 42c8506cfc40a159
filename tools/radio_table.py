"""How many nodes one LoRa gateway takes, by interval and spreading factor.

    python -m tools.radio_table

prints the table in docs/radio.md: for one channel (a bridge) and for eight (a concentrator). The model is in
device_configs/radio_plan.py; `./run soak radio` has 200 nodes at SF9 every ten minutes.
"""

from collections.abc import Iterator

from device_configs.catalog import builtin_catalog
from device_configs.radio_plan import plan
from device_configs.radio_schema import Lora
from hardware.virtual.radio.concentrator import CHANNELS_KHZ

INTERVALS_S = (60, 300, 600, 1800, 3600)
SPREADING_FACTORS = (7, 8, 9, 10, 11, 12)


def rows() -> Iterator[tuple[int, int, list[int]]]:
    """Yield (channels, spreading factor, nodes by interval) of stream intakes."""
    profile = builtin_catalog().profiles["intake"]
    for channels in ((869_525,), CHANNELS_KHZ):
        for sf in SPREADING_FACTORS:
            lora = Lora(
                frequency_khz=channels[0],
                channels_khz=channels[1:],
                spreading_factor=sf,
                bandwidth_khz=125,
                power_dbm=14,
            )
            plans = [plan(profile, lora, interval_s) for interval_s in INTERVALS_S]
            yield len(channels), sf, [p.nodes if p.lawful else 0 for p in plans]


def table() -> str:
    """Return the table in Markdown; a dash where the law forbids it."""
    lines = ["| channels | SF | " + " | ".join(f"{s // 60} min" for s in INTERVALS_S) + " |"]
    lines.append("|---" * (2 + len(INTERVALS_S)) + "|")
    for channels, sf, nodes in rows():
        lines.append(f"| {channels} | {sf} | " + " | ".join(map(_rounded, nodes)) + " |")
    return "\n".join(lines)


def _rounded(nodes: int) -> str:
    """Return two digits of the number: the model knows no more."""
    if not nodes:
        return "-"
    step = 10 ** max(0, len(str(nodes)) - 2)
    return str(nodes // step * step)


if __name__ == "__main__":
    print(table())
