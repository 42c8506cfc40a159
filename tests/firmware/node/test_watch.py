"""What a node makes of its own readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.watch import Watch, calibrate
from wire.quantities import AT_HIGH, FAULT, FROZEN, OK, OUT_OF_RANGE, SPREAD

LOOP = {"calibration": [4000, -200, 20000, 2800], "frozen_s": 86400}
TEMP = {"plausible": [-200, 3000]}
ABOVE = {
    "channel": 0, "calibrated": True, "above": 960, "below": None, "rise_per_h": None, "deadband": 60,
}  # fmt: skip
RISE = {**ABOVE, "above": None, "rise_per_h": 200, "deadband": 100}


def raw(level_mm):
    return 4000 + (level_mm + 200) * 16000 // 3000


def levels(watch, series):
    """(urgent, active) for levels in mm, ten minutes apart."""
    found = []
    for n, level in enumerate(series):
        urgent = watch.look(1000 + 600 * n, (raw(level), 200), (OK, OK))
        found.append((urgent, watch.active))
    return found


def test_calibration_rounds_half_up_whichever_way_it_runs():
    assert calibrate(4000, LOOP["calibration"]) == -200
    assert calibrate(12000, LOOP["calibration"]) == 1300
    snow = [3500, 0, 500, 3000]
    assert [calibrate(mm, snow) for mm in (3500, 3499, 500)] == [0, 1, 3000]
    assert calibrate(1, [0, 0, 2, 1]) == 1  # 0.5


@given(
    st.integers(0, 32767), st.tuples(st.integers(0, 32767), st.integers(-9999, 9999)), st.integers(1, 20000)
)
def test_calibration_is_the_line_through_both_points(value, first, span):
    raw0, value0 = first
    line = [raw0, value0, raw0 + span, value0 + 777]
    assert calibrate(value, line) == pytest.approx(value0 + (value - raw0) * 777 / span, abs=0.51)


def test_a_threshold_has_a_deadband():
    watch = Watch([LOOP, TEMP], [ABOVE])
    found = levels(watch, [900, 961, 940, 901, 899, 950])
    assert found == [
        (False, False), (True, True), (False, True), (False, True), (True, False), (False, False),
    ]  # fmt: skip


def test_a_rise_is_measured_over_ten_minutes_at_least():
    watch = Watch([LOOP, TEMP], [RISE])
    assert levels(watch, [300, 310, 320, 330]) == [(False, False)] * 4  # 60 mm an hour
    assert levels(Watch([LOOP, TEMP], [RISE]), [300, 300, 340])[-1] == (True, True)  # 240 mm an hour
    close = Watch([LOOP, TEMP], [RISE])
    close.look(1000, (raw(300), 200), (OK, OK))
    assert not close.look(1060, (raw(320), 200), (OK, OK))  # 20 mm of noise in a minute are no flood


def test_bad_quality_neither_begins_nor_ends_an_event():
    watch = Watch([LOOP, TEMP], [ABOVE])
    watch.look(0, (raw(1500), 0), (FROZEN, OK))
    assert not watch.active
    watch.look(600, (20500, 0), (AT_HIGH, OK))  # full or obstructed
    assert watch.active
    for quality, value in ((FAULT, None), (SPREAD, raw(100)), (FROZEN, raw(100)), (OUT_OF_RANGE, raw(100))):
        assert not watch.look(1200, (value, 0), (quality, OK))
        assert watch.active
    assert watch.look(1800, (raw(100), 0), (OK, OK))
    assert not watch.active


def test_what_can_not_be_is_marked_and_a_fault_stays_a_fault():
    watch = Watch([LOOP, TEMP], [])
    assert watch.judge(0, (9000, 3001), (OK, OK)) == (OK, OUT_OF_RANGE)
    assert watch.judge(0, (9000, -201), (OK, OK)) == (OK, OUT_OF_RANGE)
    assert watch.judge(0, (None, None), (FAULT, FAULT)) == (FAULT, FAULT)
    assert watch.judge(0, (20500, 99), (AT_HIGH, SPREAD)) == (AT_HIGH, SPREAD)


def test_frozen_after_its_time_and_thawed_by_any_change():
    watch = Watch([LOOP, TEMP], [])
    judged = [watch.judge(hour * 3600, (9000, 5), (OK, OK))[0] for hour in range(26)]
    assert judged == [OK] * 24 + [FROZEN] * 2
    assert watch.judge(27 * 3600, (9001, 5), (OK, OK))[0] == OK
    assert watch.judge(90 * 3600, (9001, 5), (OK, OK))[1] == OK  # nothing says that it may not stand still


READING = st.tuples(st.integers(3600, 21000), st.integers(-500, 500), st.sampled_from([OK, AT_HIGH, FAULT]))


@given(st.lists(st.tuples(READING, st.integers(1, 4000)), max_size=40))
def test_a_sleep_between_any_two_readings_changes_nothing(readings):
    awake = Watch([LOOP, TEMP], [ABOVE, RISE])
    note, now = b"", 0
    for (loop, temp, code), passed in readings:
        now += passed
        values = (None if code == FAULT else loop, temp)
        woken = Watch([LOOP, TEMP], [ABOVE, RISE], note)
        quality = awake.judge(now, values, (code, OK))
        assert woken.judge(now, values, (code, OK)) == quality
        assert woken.look(now, values, quality) == awake.look(now, values, quality)
        assert woken.active == awake.active
        note = woken.pack()
        assert len(note) < 120


def test_a_note_of_other_settings_is_forgotten():
    note = Watch([LOOP, TEMP], [ABOVE, RISE]).pack()
    assert not Watch([LOOP], [ABOVE], note).active
    assert not Watch([LOOP, TEMP], [ABOVE, RISE], b"").active
