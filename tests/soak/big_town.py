"""A town of many nodes: the demonstration site's, again and again, and what they measure, from recordings."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from gateway.model import Record
from hardware.virtual.recordings import cambridge_energy, trout_creek
from wire.quantities import MISSING, OK

DATA = Path(__file__).parents[1] / "data"
HOUR_S = 3600
Row = tuple[int | None, ...]


def big_site(counts: Mapping[str, int]) -> Site:
    """Return the demonstration site with so many nodes of each profile, numbered from 1000 on."""
    site = load_site(SITES / "narvik-demo")
    nodes: list[Node] = []
    for profile, count in counts.items():
        model = next(node for node in site.nodes if node.profile.name == profile)
        for _ in range(count):
            number = 1000 + len(nodes)
            nodes.append(replace(model, id=number, name=f"{profile}-{number}"))
    return replace(site, nodes=tuple(nodes))


@dataclass(slots=True)
class Reporter:
    """One node that reports every `interval_s`; its records come in the order of time."""

    node: Node
    interval_s: int
    epoch: int
    seq: int = 0

    def records(self, from_s: int, to_s: int, values: "Values") -> Iterator[Record]:
        """Yield the records of from_s <= t < to_s."""
        offset = self.node.id * 7 % self.interval_s  # nodes do not all report at once
        first = from_s + (offset - from_s) % self.interval_s
        for at_s in range(first, to_s, self.interval_s):
            row = values.row(self.node, at_s)
            quality = tuple(MISSING if value is None else OK for value in row)
            received_ms = at_s * 1000 + 1700
            yield Record(
                self.node.id, self.epoch, self.seq, at_s, 2000, received_ms,
                self.node.profile.schema_id, row, quality, "mqtt",
            )  # fmt: skip
            self.seq += 1


class Values:
    """What is measured at a time: recordings, shifted from node to node, with the noise of a sensor."""

    def __init__(self, seed: int) -> None:
        self._noise = random.Random(seed)
        self._creek = trout_creek(DATA / "stream_trout_creek_5min.csv")
        self._building = cambridge_energy(DATA / "energy_cambridge_b25_hourly.csv")

    def row(self, node: Node, at_s: int) -> Row:
        return self._energy(node, at_s) if node.profile.name == "energy" else self._intake(node, at_s)

    def _intake(self, node: Node, at_s: int) -> Row:
        noise, creek = self._noise.gauss, self._creek
        place = creek["up_level_mm"].times_s
        i = (at_s // 300 + node.id * 131) % len(place)
        up, down = creek["up_level_mm"].values[i], creek["down_level_mm"].values[i]
        water, air, cell = (creek[name].values[i] for name in ("water_c", "board_c", "battery_v"))
        return (
            round(4000 + 3.2 * up + noise(0, 2)),
            round(4000 + 3.2 * down + noise(0, 2)),
            round(water * 16) * 100 // 16,  # a DS18B20 counts sixteenths
            round(air * 16) * 100 // 16,
            round(cell * 1000),
        )

    def _energy(self, node: Node, at_s: int) -> Row:
        noise, power = self._noise.gauss, self._building["power_w"]
        hour = (at_s // HOUR_S + node.id * 24 * 7) % (len(power.values) - 1)
        share = at_s % HOUR_S / HOUR_S
        watts = power.values[hour] * (1 - share) + power.values[hour + 1] * share
        w = max(0, round(watts + noise(0, watts / 50)))
        ma = w * 1000 // 693
        registers: Row = (None,) * 4
        if at_s % HOUR_S < node.interval_s:  # a meter's registers come every hour
            wh = 1_000_000_000 + round(at_s / 3600 * 9000)
            registers = (wh, 0, wh // 9, 0)
        currents = (ma + round(noise(0, 20)), ma + round(noise(0, 20)), ma + round(noise(0, 20)))
        phases = (2310 + round(noise(0, 5)), 2314 + round(noise(0, 5)), 2307 + round(noise(0, 5)))
        return (w, 0, *registers[:2], w // 9, 0, *currents, *phases, *registers[2:])
