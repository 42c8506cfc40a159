from datetime import date
from itertools import pairwise

from gateway.energy.et_curve import Day, fit
from gateway.energy.hours import Hour
from gateway.web.energy_charts import SHADES, duration_drawing, et_drawing, heat_drawing
from tests.gateway.energy.buildings import building


def places(path: str) -> list[tuple[float, float]]:
    parts = path.replace("M", " ").replace("L", " ").replace("h0", " ").replace(",", " ").split()
    numbers = list(map(float, parts))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_every_day_is_a_dot_once() -> None:
    days = building(3, 365, 0.3)
    drawn = et_drawing(fit(days), days, days[-1])
    assert drawn is not None
    count = [len(places(path)) for path in (drawn.in_use, drawn.idle, drawn.outside)]
    assert sum(count) == 365
    assert 15 < count[2] < 60  # about a tenth lies outside a band that holds nine of ten
    everything = places(drawn.in_use + drawn.idle + drawn.outside)
    assert all(0 <= x <= 1000 and 0 <= y <= 1000 for x, y in everything)
    assert drawn.last in everything
    assert len(drawn.bands) == len(drawn.middles) == 2


def test_colder_is_further_left_and_more_is_further_up() -> None:
    days = building(4, 365, 0.0)
    drawn = et_drawing(fit(days), days, None)
    assert drawn is not None
    middle = places(drawn.middles[0])
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(middle))
    assert [tick.at for tick in drawn.axes.across] == sorted(tick.at for tick in drawn.axes.across)
    assert drawn.axes.up[0].at == 0
    assert drawn.axes.up[0].place == 1000


def test_a_day_far_above_stays_in_the_picture() -> None:
    days = building(4, 365, 0.0)
    far = Day(date(2025, 6, 1), 9000.0, -35.0)
    drawn = et_drawing(fit(days), days, far)
    assert drawn is not None
    assert drawn.last is not None
    assert all(0 <= place <= 1000 for place in drawn.last)
    assert et_drawing(fit(days), [], None) is None


def test_the_heat_map_leaves_unknown_hours_empty() -> None:
    first = [Hour(0, 1000), None, Hour(7200, 8000, True), *[None] * 21]
    drawn = heat_drawing([(date(2026, 1, 9), first), (date(2026, 1, 10), [None] * 24)])
    assert drawn is not None
    least, most = drawn.cells
    assert (least.x, least.y, least.shade, least.estimated) == (0, 0, 0, False)
    assert (most.x, most.y, most.shade, most.estimated) == (0, 2, SHADES - 1, True)
    assert (drawn.days, drawn.low_kw, drawn.high_kw) == (2, 1.0, 8.0)
    assert drawn.labels == ((1, 10),)
    assert drawn.weekends == (1,)
    assert heat_drawing([(date(2026, 1, 9), [None] * 24)]) is None


def test_equal_loads_have_one_shade() -> None:
    drawn = heat_drawing([(date(2026, 1, 9), [Hour(0, 5)] * 24)])
    assert drawn is not None
    assert {cell.shade for cell in drawn.cells} == {0}


def test_the_duration_curve_keeps_its_peak_and_its_end() -> None:
    loads = [99_000, *sorted(range(1000, 30_000), reverse=True)]
    drawn = duration_drawing(loads)
    assert drawn is not None
    line = places(drawn.path)
    top = max(tick.at for tick in drawn.axes.up)
    assert line[1][1] == round((top - 99) / top * 1000, 1)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(line))
    assert len(line) < 250
    assert duration_drawing([]) is None
    assert duration_drawing([0]) is not None
