"""What a site may say about its page."""

import pytest
from pydantic import ValidationError

from device_configs.page_schema import PageSettings


def test_left_out_the_page_is_read_by_whoever_reaches_it_and_energy_is_daily_and_late() -> None:
    found = PageSettings()
    assert (found.reading, found.building_energy, found.energy_delay_h, found.licence) == (
        "open",
        "daily",
        24,
        "NLOD-2.0",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"reading": "secret"},
        {"building_energy": "live"},
        {"energy_delay_h": 0},
        {"licence": "mine"},
        {"public_url": "http://x.example"},
        {"public_url": "https://x.example/?a"},
        {"colour": "red"},
    ],
)
def test_what_it_may_not_say(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PageSettings(**fields)  # type: ignore[arg-type]


def test_where_the_public_copy_is() -> None:
    assert PageSettings(public_url="https://www.example.org/sn").public_url == "https://www.example.org/sn"
