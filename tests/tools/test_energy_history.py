"""What the demonstration's energy pages show from the first second on."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.loader import SITES, load_site
from gateway.building_report import building_state, measure_result
from gateway.buildings import Sources
from gateway.energy.periods import local_day
from gateway.store.energy_book import EnergyBook, Series
from gateway.store.meter_hours import MeterHours
from tools.energy_history import SAVED_SHARE, write_history

NOW = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)
TODAY = date(2026, 11, 24)


def test_two_years_up_to_yesterday(tmp_path: Path) -> None:
    site = load_site(SITES / "narvik-demo")
    assert write_history(tmp_path, site, NOW.timestamp()) > 3 * 17_000
    book = EnergyBook.read(tmp_path)
    assert book is not None
    with book, MeterHours.open(None, 0) as none:
        given = book.given(Series("radhuset", "electricity", "main"))
        zone = ZoneInfo(site.timezone)
        assert local_day(given[-1].start_s, zone) == TODAY - timedelta(days=1)
        assert local_day(given[0].start_s, zone) < TODAY - timedelta(days=720)
        # Mondays are still Mondays: the recorded building is at work on weekdays.
        by_day: dict[bool, list[int]] = {True: [], False: []}
        for one in given:
            local = datetime.fromtimestamp(one.start_s, zone)
            if local.hour == 12:
                by_day[local.weekday() < 5].append(one.amount)
        work, rest = (sum(values) / len(values) for values in (by_day[True], by_day[False]))
        assert work > 1.3 * rest
        sources = Sources(site, none, book)
        state = building_state(sources.building("radhuset"), TODAY)
        assert state.deviation is not None
        assert state.deviation.stands_out
        result = measure_result(sources.building("radhuset"), site.initiatives[0], TODAY)
        assert result.saving is not None
        assert 0 < result.saving.share < SAVED_SHARE
        assert building_state(sources.building("idrettens-hus"), TODAY).deviation is not None
