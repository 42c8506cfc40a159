import pytest

from gateway.energy.given import Given, Revised, compare, hours_of, temperatures_of
from gateway.energy.hours import Hour, total_wh

H = 3600


def test_quarters_make_an_hour() -> None:
    quarters = [Given(900 * i, 900 * (i + 1), 10 + i) for i in range(4)]
    assert hours_of(quarters) == [Hour(0, 46)]
    assert hours_of(quarters[:3]) == []
    assert hours_of([*quarters[:3], Given(2700, H, 13, "estimated")]) == [Hour(0, 46, True)]


def test_a_month_is_shared_out_and_estimated() -> None:
    hours = hours_of([Given(0, 720 * H, 1000)])
    assert len(hours) == 720
    assert total_wh(hours) == 1000
    assert all(hour.estimated for hour in hours)


def test_what_is_known_finer_stays_and_the_sum_is_right() -> None:
    hours = hours_of([Given(0, 10 * H, 1000), Given(H, 2 * H, 640)])
    assert hours[1] == Hour(H, 640)
    assert total_wh(hours) == 1000
    assert [hour.wh for hour in hours[2:]] == [40] * 8


def test_finer_values_above_the_sum_leave_nothing_negative() -> None:
    hours = hours_of([Given(0, 3 * H, 100), Given(H, 2 * H, 640)])
    assert [hour.wh for hour in hours] == [0, 640, 0]


def test_readings_at_odd_moments() -> None:
    hours = hours_of([Given(17 * 60, 5 * H + 40 * 60, 500)])
    assert [hour.start_s // H for hour in hours] == [0, 1, 2, 3, 4, 5]
    assert total_wh(hours) == 500


def test_temperatures() -> None:
    assert temperatures_of([Given(0, H, -350), Given(H, 3 * H, 100), Given(H, 2 * H, 200)]) == {
        0: -3.5,
        H: 1.5,
        2 * H: 1.0,
    }


def test_the_same_again_changes_nothing_and_a_correction_is_seen() -> None:
    held = [Given(0, H, 10), Given(H, 2 * H, 20)]
    assert compare(held, held) == ([], [])
    corrected = Given(H, 2 * H, 17)
    new, changed = compare(held, [corrected, Given(2 * H, 3 * H, 5)])
    assert new == [Given(2 * H, 3 * H, 5)]
    assert changed == [(corrected, Revised(H, 2 * H, 20, 17))]
    assert changed[0][1].difference == -3


@pytest.mark.parametrize("status", ["estimated"])
def test_a_better_status_is_a_revision_too(status: str) -> None:
    _, changed = compare([Given(0, H, 10, status)], [Given(0, H, 10)])
    assert [difference for _, difference in changed] == [Revised(0, H, 10, 10)]
