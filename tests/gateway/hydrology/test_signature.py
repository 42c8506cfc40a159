"""Simulated series (labelled so: nothing here was measured) and what the classification makes of them."""

import random
from collections import Counter

import pytest

from gateway.hydrology.grate import CleanGrate
from gateway.hydrology.rating import Rating
from gateway.hydrology.signature import Intake, Signature

Sample = tuple[float, float, float, float]  # up, down, water, air
STEP_S = 600
HOURS = 8


def simulated(kind: str, seed: int) -> list[Sample]:
    """Eight hours, every 10 minutes; something begins after three."""
    noise = random.Random(seed)
    base, clean_loss = noise.uniform(150, 400), noise.uniform(5, 40)
    takes_h = noise.uniform(0.7, 2.5)
    size = noise.uniform(300, 700)
    samples = []
    for i in range(HOURS * 6):
        since = max(0.0, i / 6 - 3)
        share = min(1.0, since / takes_h)
        up, down, water, air = base + clean_loss, base, 4.0, 6.0
        if kind == "flood":
            down += size * share
            up = down + clean_loss * (down / base) ** 2 * 0.5
        elif kind == "clogging":
            up += size * share
            down *= 1 - 0.6 * share
        elif kind == "cleared":
            clogged = since == 0
            up += size if clogged else 0
            down *= 0.4 if clogged else 1
        elif kind == "fault":
            down += size + 300 if since > 0 else 0
        elif kind == "frazil":
            water, air = 0.02, -12.0
            up += 110 * share
            down -= 15 * share
        else:
            assert kind == "normal"
        samples.append((up + noise.gauss(0, 6), down + noise.gauss(0, 6), water, air))
    return samples


def verdicts(samples: list[Sample]) -> list[Signature]:
    intake = Intake()
    return [
        intake.add(i * STEP_S, up, down, water, air).signature
        for i, (up, down, water, air) in enumerate(samples)
    ]


def told(kind: str, seed: int) -> Signature:
    """What the series is called: the first verdict, after its beginning, that is not normal."""
    found = verdicts(simulated(kind, seed))[19:]
    return next((v for v in found if v is not Signature.NORMAL), Signature.NORMAL)


EXPECTED = {
    "normal": Signature.NORMAL,
    "flood": Signature.FLOOD,
    "clogging": Signature.CLOGGING,
    "cleared": Signature.CLEARED,
    "fault": Signature.SENSOR_FAULT,
    "frazil": Signature.ICE_RISK,
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_confusion_table(kind: str) -> None:
    table = Counter(told(kind, seed) for seed in range(50))
    assert table[EXPECTED[kind]] >= 48, dict(table)
    # Whatever it is called, nobody is sent out to a quiet brook and no clogging is called normal.
    assert kind in ("normal", "clogging") or table[Signature.NORMAL] <= 2
    assert kind != "normal" or table[Signature.CLOGGING] == table[Signature.FLOOD] == 0
    assert kind != "clogging" or table[Signature.NORMAL] == 0


def test_a_clogged_grate_stays_clogged_until_it_is_cleared() -> None:
    samples = simulated("clogging", 1) + [simulated("normal", 1)[0]] * 12
    found = verdicts(samples)
    clogged = found.index(Signature.CLOGGING)
    cleared = found.index(Signature.CLEARED)
    assert set(found[clogged:cleared]) == {Signature.CLOGGING}
    assert found[-1] is Signature.NORMAL


def test_a_lone_spike_clogs_nothing_for_long_and_clears_nothing() -> None:
    samples = [(200.0, 190.0, 4.0, 5.0)] * 20
    samples[10] = (600.0, 190.0, 4.0, 5.0)
    found = verdicts(samples)
    assert Counter(found)[Signature.CLOGGING] == 1
    assert Signature.CLEARED not in found


def test_with_a_curve_a_clog_is_seen_in_a_flood_too() -> None:
    rating = Rating(c=1e-4, h0=0, b=1.6, lowest=50, highest=900, error=0.05, gaugings=8)
    intake = Intake(CleanGrate(rating, k=30.0))
    expected = CleanGrate(rating, k=30.0).expected_mm
    flood = [intake.add(i * 600, 200 + 40 * i + expected(200 + 40 * i), 200 + 40 * i) for i in range(12)]
    assert {v.signature for v in flood} <= {Signature.NORMAL, Signature.FLOOD}
    assert flood[-1].signature is Signature.FLOOD
    down = 200.0 + 40 * 12
    assert intake.add(7200, down + expected(down) + 180, down).signature is Signature.CLOGGING
