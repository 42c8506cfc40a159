"""What a card says of a place."""

import pytest

from gateway.web.cards import STATES, card, state_of
from gateway.web.concerns import Concern
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, broken_intake, building, intake, live, node, record, snow

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")
TEXTS = {"nb": {"name": "Rista tettes"}, "en": {"name": "The grate is clogging"}}
RISING = [intake(500 + 20 * i, 480, NOW_S - (11 - i) * 600) for i in range(12)]


def test_a_rising_intake() -> None:
    found = card(node(*RISING), NB, NOW_S)
    assert (found.main.value, found.main.unit) == ("72", "cm")
    assert found.arrow is not None
    assert (found.arrow.direction, found.arrow.word, found.arrow.rate) == (1, "stiger", "12\u00a0cm/t")
    assert (found.state, found.state_word, found.quality) == ("ok", "Normal", "god")
    assert (found.at_s, found.stale_at_s) == (NOW_S, NOW_S + 1810)
    assert found.spark is not None
    assert found.spark_span == "1\u00a0t"
    assert found.spark_range == "50–72\u00a0cm"
    assert found.battery == "3,58\u00a0V"
    assert not found.battery_low
    assert found.intake is not None
    assert found.stake is None


def test_a_rate_over_minutes_is_told_per_minute() -> None:
    quick = [intake(500 + 10 * i, 480, NOW_S - (11 - i) * 4) for i in range(12)]
    found = card(node(*quick), EN, NOW_S)
    assert found.arrow is not None
    assert found.arrow.rate == "15\u00a0cm/min"


def test_an_old_value_is_called_old_and_has_no_trend() -> None:
    found = card(node(*RISING), EN, NOW_S + 7200)
    assert (found.state, found.state_word, found.arrow) == ("stale", "Old record", None)


def test_the_worst_alert_names_the_state() -> None:
    own = [
        Concern("alarm", "alert", 11, NOW_S, TEXTS),
        Concern("info", "alert", 11, NOW_S, {"nb": {"name": "x"}, "en": {"name": "x"}}),
    ]
    found = card(node(*RISING), EN, NOW_S, own)
    assert (found.state, found.state_word) == ("alarm", "The grate is clogging")
    assert card(node(*RISING), NB, NOW_S + 7200, own).state == "stale"


def test_on_the_shelf_no_value_is_one_of_now() -> None:
    place = node(*RISING)
    place.shelved_s = NOW_S + 40
    found = card(place, NB, NOW_S + 60, expected=(1, 2))
    assert (found.state, found.state_word, found.shelf_s) == ("shelf", "På hylla", NOW_S + 40)
    assert [(f.label, f.value, f.unit) for f in found.figures] == [
        ("På hylla siden", "18. nov. 2026 kl. 12:07", ""),
        ("Siste måling, 18. nov. 2026 kl. 12:06", "72", "cm"),
    ]
    assert (found.main.value, found.arrow, found.spark, found.intake) == ("–", None, None, None)
    assert (found.stale_at_s, found.signal, found.battery, found.quality) == (None, None, "", "")
    never = live().nodes[21]  # provisioned, and not yet mounted
    never.shelved_s = NOW_S
    assert [f.label for f in card(never, EN, NOW_S).figures] == ["On the shelf since"]
    assert card(never, EN, NOW_S).need > card(node(*RISING), EN, NOW_S).need  # nothing to be seen there


def test_the_shelf_does_not_end_an_alert_that_stands() -> None:
    place = node(*RISING)
    place.shelved_s = NOW_S + 40
    own = [Concern("warning", "alert", 11, NOW_S, TEXTS)]
    found = card(place, EN, NOW_S + 60, own)
    assert (found.state, found.state_word, found.main.value) == ("warning", "The grate is clogging", "–")
    assert found.figures[0].label == "On the shelf since"


def test_other_states() -> None:
    assert state_of(live().nodes[11], NOW_S) == "never"
    assert state_of(node(broken_intake()), NOW_S) == "fault"
    empty = card(live().nodes[21], NB, NOW_S)
    assert (empty.main.value, empty.spark, empty.at_s, empty.signal) == ("–", None, None, None)


def test_those_that_need_somebody_first_then_by_name() -> None:
    old = card(node(snow(500)), NB, NOW_S + 9999)
    well, also = card(node(*RISING), NB, NOW_S), card(node(building(1000)), NB, NOW_S)
    assert sorted([well, old, also], key=lambda c: c.need) == [old, also, well]
    assert len(set(STATES)) == len(STATES)


@pytest.mark.parametrize(
    ("carrier", "rssi", "bars", "text"),
    [
        ("mqtt", -60, 3, "Wi-Fi −60\u00a0dBm"),
        ("mqtt", -70, 2, "Wi-Fi −70\u00a0dBm"),
        ("lora", -70, 3, "LoRa −70\u00a0dBm"),
        ("lora", -120, 1, "LoRa −120\u00a0dBm"),
        ("mqtt", None, 0, "Wi-Fi"),
        ("pigeon", -1, 0, "pigeon"),
    ],
)
def test_the_link(carrier: str, rssi: int | None, bars: int, text: str) -> None:
    found = card(node(intake(500, 480, carrier=carrier, rssi_dbm=rssi)), NB, NOW_S).signal
    assert found is not None
    assert (found.bars, found.text) == (bars, text)


def test_a_low_battery() -> None:
    assert card(node(record(21, NOW_S, [3000, 5, -650, 3050])), NB, NOW_S).battery_low


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.8, 1.2, "som ventet"), (0.1, 0.2, "nå over"), (1.1, 1.2, "nå under")],
)
def test_a_building_is_held_against_what_is_expected_this_hour(low: float, high: float, word: str) -> None:
    meter = node(building(80_000))
    watts = meter.newest["import_power_w"].value or 0
    found = card(meter, NB, NOW_S, expected=(round(low * watts), round(high * watts)))
    first = found.figures[0]
    assert (first.label, first.unit, first.quality) == ("Ventet denne timen", "kW", word)
    assert first.value.count("–") == 1
    assert card(meter, NB, NOW_S).figures == found.figures[1:]
