"""No way of resetting a node gives it airtime it does not have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.airtime import FULL, Airtime
from wire.airtime import limit_ms

BAND = 4
LIMIT = limit_ms(BAND)


@pytest.fixture
def purse(tmp_path):
    return str(tmp_path / "purse")


def spend_all(airtime, now_s):
    spent = airtime.spare_ms(BAND, now_s)
    airtime.spend(BAND, now_s, spent)
    return spent


def test_a_new_node_has_an_eighth_for_its_first_hour(purse):
    airtime = Airtime()
    airtime.start_cold(0, purse)
    assert airtime.spare_ms(BAND, 0) == pytest.approx(LIMIT / 8, abs=16)
    assert airtime.spare_ms(BAND, 4_500) == LIMIT * 3 // 4


def test_each_power_cut_within_the_hour_gives_less(purse):
    granted = []
    for _ in range(30):
        airtime = Airtime()
        airtime.start_cold(0, purse)
        granted.append(spend_all(airtime, 0))
    assert granted == sorted(granted, reverse=True)
    assert sum(granted) <= LIMIT * FULL // 1000
    assert granted[-1] == 0


def test_the_purse_is_filled_after_an_hour(purse):
    for _ in range(3):
        airtime = Airtime()
        airtime.start_cold(5, purse)
    airtime.refill(3_000, purse)
    again = Airtime()
    again.start_cold(0, purse)
    assert again.grant < FULL // 8
    again.refill(3_601, purse)
    third = Airtime()
    third.start_cold(0, purse)
    assert third.grant == FULL // 2


def test_a_damaged_purse_is_empty(purse, tmp_path):
    (tmp_path / "purse").write_bytes(b"\xff\xff\0\0\0\0")
    airtime = Airtime()
    airtime.start_cold(0, purse)
    assert airtime.spare_ms(BAND, 0) == 0


def test_it_goes_through_a_sleep(purse):
    airtime = Airtime()
    airtime.start_cold(0, purse)
    airtime.spend(BAND, 10, 20_000)
    airtime.spend(1, 10, 1_000)
    again = Airtime()
    again.unpack(airtime.pack())
    for band in (1, BAND):
        assert again.spare_ms(band, 20) == airtime.spare_ms(band, 20)


def test_more_than_there_is_is_refused(purse):
    airtime = Airtime()
    airtime.start_cold(0, purse)
    with pytest.raises(ValueError, match="no airtime"):
        airtime.spend(BAND, 0, LIMIT)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2_500), st.booleans(), st.booleans()), max_size=60))
def test_no_rolling_hour_exceeds_the_law_whatever_happens(tmp_path_factory, steps):
    """Real time passes; power cuts restart the node's clock; it spends all it can whenever it is asked to."""
    purse = str(tmp_path_factory.mktemp("node") / "purse")
    airtime = Airtime()
    airtime.start_cold(0, purse)
    real, booted, sent = 0, 0, []
    for pause, cut, greedy in steps:
        real += pause
        if cut:
            booted = real
            airtime = Airtime()
            airtime.start_cold(0, purse)
        airtime.refill(real - booted, purse)
        if greedy:
            sent.append((real, spend_all(airtime, real - booted)))
    for begin, _ in sent:
        assert sum(ms for at, ms in sent if begin <= at <= begin + 3600) <= LIMIT
