"""What the store bench trusts, on a small scale."""

import itertools
import math
from pathlib import Path

import pytest

from tests.bench import store as bench
from tests.bench.store import at_rest, gauge_of, history, memory, on_the_way


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GAUGES": 2, "GAUGE_RECORDS": 600, "METERS": 1, "METER_S": 7200, "LIVE": 20}.items():
        monkeypatch.setattr(bench, name, value)
    for name, value in {"YEAR": 300, "OTHERS": 1, "REPEATED": 1, "TOWN": 40, "TOWN_RECORDS": 400}.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "_years", {})


def test_a_gauge_reports_what_was_recorded() -> None:
    records = list(gauge_of(3, 50, 300))
    assert [r.seq for r in records] == list(range(50))
    assert {b.measured_at_s - a.measured_at_s for a, b in itertools.pairwise(records)} == {300}
    assert len({r.values for r in records}) > 20


async def test_its_figures(tmp_path: Path) -> None:
    found = [*await at_rest(tmp_path), *await on_the_way(tmp_path), *await history(tmp_path)]
    assert [figure.name for figure in found] == [
        "bytes_per_reading_at_rest",
        "disk_bytes_written_per_record",
        "card_years_200_nodes",
        "history_year_ms",
    ]
    assert all(math.isfinite(figure.value) and figure.value > 0 for figure in found)


def test_the_town_is_weighed(tmp_path: Path) -> None:
    figure = memory(tmp_path)
    assert figure.name == "rss_mb_1000_nodes"
    assert 10 < figure.value < 500
