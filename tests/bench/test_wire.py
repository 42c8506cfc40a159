"""The sizes, checked against what is known, and the bench itself on a day of the recording."""

import math

import pytest

from tests.bench import wire
from tests.bench.figures import all_hold
from tests.bench.gauge import CHANNELS, FIRST_SEQ, gauge_records
from wire.quantities import MISSING
from wire.records import Record

GOLDEN_S = 1653889198  # first of the golden frame of twenty-four reports, SPEC.md section 7


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return gauge_records()


def test_the_recording_is_whole(records: list[Record]) -> None:
    assert len(records) == 31_595
    assert [r.seq for r in records] == list(range(FIRST_SEQ, FIRST_SEQ + len(records)))
    # The logger wrote nan once.
    assert sum(quality == MISSING for r in records for quality in r.quality) == 1


def test_sizes_are_those_of_the_golden_frame(records: list[Record]) -> None:
    start = next(i for i, r in enumerate(records) if r.time == GOLDEN_S)
    window = records[start : start + wire.ROWS]
    assert (window[0].values, len(window)) == ((3700, 2054, 2100, 4070, 4740, -3432), 24)
    assert wire.sealed_bytes(window) == 161
    assert wire.decoded_share([window]) == 1


@pytest.mark.parametrize(("symbols", "bits"), [([7, 7, 7], 0), ([1, 2, 3, 4], 2), ([0, 0, 0, 1], 0.811278)])
def test_entropy(symbols: list[int], bits: float) -> None:
    assert math.isclose(wire.entropy_bits(symbols), bits, abs_tol=1e-6)


def test_bound_of_a_coin_toss_is_a_bit_each() -> None:
    values = [(i & 1) + (i >> 1) for i in range(1001)]  # differences of 1 and 0, as often
    rows = [Record(i, i, (value,) * len(CHANNELS), (0,) * len(CHANNELS)) for i, value in enumerate(values)]
    assert math.isclose(wire.bound_bytes(rows), wire.ROWS * len(CHANNELS) / 8, rel_tol=1e-3)


def test_other_encodings(records: list[Record]) -> None:
    assert wire.json_bytes(records[:1]) == (
        b'{"node":11,"seq":70000,"time":1653601177,"distance_mm":3690,"water_cc":1512,"air_cc":1550,'
        b'"battery_mv":4070,"pitch_cdeg":4681,"roll_cdeg":-3407}'
    )
    assert len(wire.cbor_bytes(records[:1])) == 1 + 2 - 1 + 1 + 5 + 5 + 6 * 3
    assert wire.lpp_bytes(1) == 13 + 6 * 4


def test_the_bench_on_a_day(records: list[Record]) -> None:
    figures = {figure.name: figure for figure in wire.measure(records[:288])}
    assert all_hold(list(figures.values()))
    assert figures["report_6ch_bytes"].value == 36
    assert 100 < figures["backfill_24x6_bytes_mean"].value < wire.LORA_MAX
