"""Which days are looked at, turn by turn."""

from cloud_sync.audit import DAY_S, DAYS, SETTLES_S, windows

NOW_S = 1_795_000_123


def test_the_newest_day_each_time_and_every_other_one_in_turn() -> None:
    seen, newest = set(), 0
    for turn in range(DAYS):
        (newest, end), older = windows(NOW_S, turn)
        assert (end % 3600, end - newest) == (0, DAY_S)
        assert NOW_S - SETTLES_S - 3600 < end <= NOW_S - SETTLES_S
        seen.add(older)
    assert len(seen) == DAYS - 1
    assert max(end for _, end in seen) == newest
    assert all((newest - end) % DAY_S == 0 for _, end in seen)
