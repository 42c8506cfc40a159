"""Airtime against the published figures, and a ledger no rolling hour escapes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.airtime import (
    LEDGER_BYTES,
    SLOTS,
    UNIT_MS,
    Ledger,
    airtime_ms,
    airtime_us,
    header_ms,
    limit_ms,
    sub_band,
)


def formula(vectors):
    from wire.airtime import airtime_us

    return [airtime_us(size, sf, bw) for size, sf, bw in vectors]


def test_airtime_as_published(on_both):
    vectors = [[24, sf, 125] for sf in range(7, 13)] + [[51, 9, 125], [222, 7, 125], [222, 9, 125]]
    got = on_both(formula, vectors)
    assert [round(us / 1000) for us in got] == [62, 113, 206, 371, 823, 1483, 329, 348, 1107]
    assert airtime_us(24, 7) == 61_696
    assert airtime_ms(24, 7) == 62


@given(st.integers(1, 255), st.integers(7, 12), st.sampled_from((125, 250, 500)))
def test_integers_agree_with_the_formula_in_floats(size, sf, bw):
    from hardware.virtual.radio.physics import airtime_s

    assert abs(airtime_us(size, sf, bw) - airtime_s(size, sf, bw) * 1e6) <= 1


def test_header():
    assert [header_ms(sf) for sf in (7, 9, 12)] == [21, 83, 664]


def test_sub_bands():
    assert [sub_band(khz) for khz in (863_100, 867_100, 868_100, 868_900, 869_525, 869_850)] == [*range(6)]
    assert [limit_ms(band) for band in (1, 3, 4)] == [36_000, 3_600, 360_000]
    for khz, bw in ((869_300, 125), (868_600, 125), (869_525, 500), (862_900, 125)):
        with pytest.raises(ValueError, match="no sub-band"):
            sub_band(khz, bw)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 9000)), min_size=1, max_size=120))
def test_no_rolling_hour_exceeds_the_limit(steps):
    ledger = Ledger(36_000)
    now, sent = 0, []
    for pause, ms in steps:
        now += pause
        again = Ledger(36_000)
        again.unpack(ledger.pack())  # through a sleep
        ledger = again
        if ms <= ledger.spare_ms(now):
            ledger.spend(now, ms)
            sent.append((now, ms))
    for begin, _ in sent:
        assert sum(ms for at, ms in sent if begin <= at <= begin + 3600) <= 36_000


def test_everything_is_free_again_after_an_hour_and_a_slot():
    ledger = Ledger(36_000)
    ledger.spend(100, 36_000)
    assert ledger.spare_ms(3_700) == 0
    assert ledger.spare_ms(100 + SLOTS * 300) == 36_000
    assert len(ledger.pack()) == LEDGER_BYTES


def test_a_clock_that_goes_back_frees_nothing():
    ledger = Ledger(1_000)
    ledger.spend(100_000, 900)
    assert ledger.spare_ms(5) == 1_000 - -(-900 // UNIT_MS) * UNIT_MS
