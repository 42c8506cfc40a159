"""A day of 200 nodes on one concentrator, six hours of it without a gateway, and the hours after it.

Every record of the day has to arrive, once, with its values, and nobody may be on the air longer than the law
allows in any rolling hour: the medium judges that, by formulas of its own. A tenth of the nodes lose their
power some time. The gateway starts anew from its store.
"""

import math
import random
import tempfile
import time
from pathlib import Path
from statistics import median

from device_configs.radio_schema import Lora
from hardware.virtual.radio import physics
from hardware.virtual.radio.medium import Medium
from tests.soak.radio_town import Town
from tests.soak.tally import Tally
from wire.airtime import limit_ms

NODES, ROUNDS = 200, 3
DAY_H, OUTAGE_H, AFTER_H = 24, (9, 15), 16
FIRST_TRY_S = 10.0
LORA = Lora(
    frequency_khz=868_100,
    channels_khz=(868_300, 868_500, 867_100, 867_300, 867_500, 867_700, 867_900),
    spreading_factor=9,
    fallback_spreading_factor=12,
    bandwidth_khz=125,
    power_dbm=14,
)


def run(tally: Tally) -> None:
    for seed in tally.rounds(ROUNDS):
        with tally.run(seed), tempfile.TemporaryDirectory() as folder:
            day(tally, Path(folder), seed, NODES)


def day(tally: Tally, folder: Path, seed: int, nodes: int, after_h: float = AFTER_H) -> None:
    """One day; raises AssertionError with what is wrong."""
    begun = time.monotonic()
    town = Town(folder, seed, nodes, LORA)
    try:
        reach = [n for n in town.nodes if margin_db(town, n.antenna.name) < 3]
        for node in reach:  # a range test would have shown it: they hang elsewhere
            node.antenna.position_m = (200.0 + node.number, 200.0)
            town.medium.losses_db[min("0001020304050607", node.antenna.name), node.antenna.name] = 120.0
        rng = random.Random(seed)
        for node in rng.sample(town.nodes, nodes // 10):
            town.timeline.call_later(rng.uniform(1, DAY_H) * 3600, node.power_cut)
        town.run_hours(OUTAGE_H[0])
        town.stop_gateway()
        town.run_hours(OUTAGE_H[1] - OUTAGE_H[0])
        town.start_gateway()
        town.run_hours(DAY_H - OUTAGE_H[1])
        due = {n.number: len(n.measured) for n in town.nodes}
        town.run_hours(after_h)
        judge(tally, town, due)
        tally.facts["seconds_a_day"] = round(time.monotonic() - begun)
    finally:
        town.close()


def margin_db(town: Town, name: str) -> float:
    """By how many dB a node's frames are stronger at the concentrator than they have to be."""
    gateway = next(a for a in town.medium.antennas.values() if a.demodulators > 1)
    loss = town.medium.loss_db(town.medium.antennas[name], gateway)
    return LORA.power_dbm + gateway.gain_dbi - loss - physics.sensitivity_dbm(LORA.spreading_factor)


def air_is_lawful(tally: Tally, medium: Medium) -> None:
    """Nobody, nodes and receivers alike, was on the air for longer than a sub-band allows in any hour."""
    assert medium.sent
    worst = tally.facts.get("busiest_hour_of_limit", 0.0)
    for name, band in medium.sent:
        busiest_s = medium.busiest_hour_s(name, band)
        assert busiest_s <= limit_ms(band) / 1000, f"{name} was on the air for {busiest_s:.1f} s in an hour"
        worst = max(worst, round(busiest_s * 1000 / limit_ms(band), 3))
    tally.facts["busiest_hour_of_limit"] = worst


def judge(tally: Tally, town: Town, due: dict[int, int]) -> None:
    stored = town.stored()
    by_identity = {(r.node, r.epoch, r.seq): r for r in stored}
    assert len(by_identity) == len(stored), "a record is stored twice"
    found = {(node, seq): r for (node, _, seq), r in by_identity.items()}
    assert len(found) == len(stored), "a backlog has two epochs, though no flash was lost"
    missing = [(n, seq) for n, count in due.items() for seq in range(count) if (n, seq) not in found]
    assert not missing, f"{len(missing)} records of the day are missing, {missing[:5]} among them"
    latencies, late, sent, measured = [], 0, 0, 0
    first = town.timeline.utc_ms() - round(town.timeline.monotonic_s() * 1000)
    away = [first + hour * 3_600_000 for hour in OUTAGE_H]
    for node in town.nodes:
        sent += node.sendings
        measured += len(node.measured)
        for seq, (at_ms, values) in enumerate(node.measured[: due[node.number]]):
            record = found[node.number, seq]
            assert record.values == values, f"node {node.number}, {seq}: another record than was measured"
            if at_ms < away[0] - 3_600_000 or at_ms > away[1]:
                latencies.append((record.received_at_ms - at_ms) / 1000)
                late += latencies[-1] > FIRST_TRY_S
    air_is_lawful(tally, town.medium)
    latencies.sort()
    tally.add("records", len(stored))
    tally.facts |= {
        "first_try": round(1 - late / len(latencies), 4),
        "sendings_per_record": round(sent / measured, 3),
        "latency_median_s": round(median(latencies), 2),
        "latency_p99_s": round(latencies[math.ceil(0.99 * len(latencies)) - 1]),
        "radio_mc_per_record": round(sum(n.charge_mc for n in town.nodes) / measured, 2),
        "receptions": dict(town.medium.outcomes),
        "gateway": dict(town.forwarders.counts + town.counts) if town.forwarders else {},
        "refused": {f"{cause}": n for (cause, _), n in town.refusals.items()},
    }
