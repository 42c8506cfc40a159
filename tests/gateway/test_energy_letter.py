from datetime import date

import pytest

from device_configs.building_schema import Building
from gateway.building_report import BuildingState
from gateway.energy.deviations import Deviation
from gateway.energy.projection import Outlook, Projection
from gateway.energy_letter import letters, peak_letter
from gateway.store.energy_book import Answer
from gateway.web.energy_values import Warned
from gateway.web.words import Language


def state(
    name: str, kwh: float, caretaker: str | None = "buildings", ore: int | None = 123_456
) -> BuildingState:
    building = Building(id=name.lower(), name=name, heated_area_m2=1.0, area_source="s", caretaker=caretaker)
    day = date(2025, 12, 10)
    found = Deviation(building.id, day, day, 14, kwh, 500.0, 9000.0, 3, day, ore)
    return BuildingState(building, 1.0, 1.0, 1.0, None, found)


@pytest.mark.parametrize(
    ("language", "title", "line"),
    [
        ("nb", "Energi: Town bruker mer enn forventet",
         "Town: 1\u00a0500 kWh mer enn forventet (± 500), om lag 1\u00a0235 kr, "
         "over båndet siden 10. des. 2025"),
        ("en", "Energy: Town uses more than expected",
         "Town: 1,500 kWh more than expected (± 500), about 1,235 kr, above the band since 10 Dec 2025"),
    ],
)  # fmt: skip
def test_a_letter(language: Language, title: str, line: str) -> None:
    (letter,) = letters([state("Town", 1500.0)], {}, language, "Europe/Oslo")
    assert (letter.recipient, letter.title) == ("buildings", title)
    assert line in letter.body.splitlines()
    assert "  sensornett energy answer town --status known --role ... --note ..." in letter.body.splitlines()


def test_nobody_is_written_to_for_nothing() -> None:
    within = state("Town", 400.0)
    nobody = state("Hall", 1500.0, caretaker=None)
    unknown = BuildingState(within.building, 0.0, 0.0, 0.0, None, None, "band")
    assert letters([within, nobody, unknown], {}, "nb", "UTC") == []


def test_each_caretaker_has_one_letter_and_what_was_said_is_in_it() -> None:
    states = [state("Town", 1500.0), state("Hall", 900.0, ore=None), state("Pool", 700.0, caretaker="sports")]
    answers = {"hall": Answer("hall", "known", "drying", "caretaker", 1)}
    first, second = letters(states, answers, "en", "UTC")
    assert (first.recipient, first.title) == ("buildings", "Energy: 2 buildings use more than expected")
    assert "above the band since 10 Dec 2025, last said: known drying" in first.body
    assert "kr" not in first.body.splitlines()[4]
    assert second.recipient == "sports"


def warned(outlook: Outlook, extra_ore: int = 49_600) -> Warned:
    hour = Projection(1_764_050_400, 20_000, 62_000, 55_000, 70_000)  # 07:00 in Oslo
    return Warned(hour, 58_000, outlook, extra_ore)


def test_a_peak_that_can_still_be_avoided() -> None:
    building = state("Town", 1.0).building
    letter = peak_letter(building, warned("likely"), "nb", "Europe/Oslo")
    assert letter is not None
    assert letter.title == "Effekttopp: Town er på vei mot 62,0 kWh denne timen"
    assert letter.body.splitlines() == [
        "Hittil 20,0 kWh, ventet 62,0 (mellom 55,0 og 70,0). Månedens grense er 58,0 kWh.",
        "En ny topp koster om lag 496 kr mer i effektledd.",
        "Slå av det som kan vente, til klokka er 08:00.",
    ]
    english = peak_letter(building, warned("will", 0), "en", "Europe/Oslo")
    assert english is not None
    assert "costs" not in english.body


def test_nobody_is_told_of_an_hour_that_needs_nothing() -> None:
    assert peak_letter(state("Town", 1.0).building, warned("may"), "nb", "UTC") is None
    assert peak_letter(state("Town", 1.0, caretaker=None).building, warned("will"), "nb", "UTC") is None
