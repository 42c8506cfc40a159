"""What happens to a meter's registers, over restarts too, and how long it is kept."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.registers import KEPT, KINDS, Events, Registers, mark_of
from wire import control
from wire.quantities import FAULT, MISSING, OK

RESET, ROLLOVER, SWAP, JUMP = 1, 2, 3, 4
HOUR = 3600
KEY = bytes(range(16))


def look(registers, hour, first, second=None, mark=b"aaaa"):
    values = (first, 230, second)
    quality = tuple(MISSING if value is None else OK for value in values)
    stamp = (1_767_225_600 + hour * HOUR, None)
    return registers.look(100 + hour * HOUR, stamp, values, quality, mark)


def fresh(known=None, mark=None):
    return Registers((0, 2), known or {}, mark)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1000, b"aaaa"), (9000, b"aaaa"), None),
        ((50_000_000_000, b"aaaa"), (4000, b"aaaa"), RESET),
        ((999_999_000, b"aaaa"), (4000, b"aaaa"), ROLLOVER),
        ((50_000_000, b"aaaa"), (50_001_000, b"bbbb"), SWAP),
        ((50_000_000, b"aaaa"), (4000, b"bbbb"), SWAP),
        ((50_000_000, b"aaaa"), (60_000_000, b"aaaa"), JUMP),
        ((50_000_000, None), (50_001_000, b"bbbb"), None),  # it had not said yet who it is
        ((50_000_000, b"aaaa"), (50_001_000, None), None),
    ],
)
def test_each_event_says_what_was_before_and_after(before, after, expected):
    registers = fresh()
    assert look(registers, 0, before[0], mark=before[1]) == []
    found = look(registers, 1, after[0], mark=after[1])
    time = 1_767_225_600 + HOUR
    told = [[time, 0, expected, before[1], after[1], [[0, before[0], after[0]]]]]
    assert found == ([] if expected is None else told)
    assert look(registers, 2, after[0] + 500, mark=after[1]) == []


def test_a_swap_is_one_event_of_all_registers_also_of_those_that_come_later():
    registers = fresh()
    look(registers, 0, 5000, 7000)
    (event,) = look(registers, 1, 100, 200, mark=b"bbbb")
    assert event[2:] == [SWAP, b"aaaa", b"bbbb", [[0, 5000, 100], [2, 7000, 200]]]
    registers = fresh()
    look(registers, 0, 5000, 7000)
    look(registers, 1, 6000, mark=b"bbbb")
    (event,) = look(registers, 2, 7000, 7100, mark=b"bbbb")
    assert event[2:] == [SWAP, b"aaaa", b"bbbb", [[2, 7000, 7100]]]


def test_what_is_no_value_says_nothing():
    registers = fresh()
    look(registers, 0, 5_000_000)
    stamp = (0, None)
    assert registers.look(2 * HOUR, stamp, (0, 0, 0), (FAULT, OK, FAULT), b"aaaa") == []
    assert look(registers, 3, 5_000_100) == []


@pytest.mark.parametrize(
    ("known", "mark", "after", "expected"),
    [
        (5_000_000, b"aaaa", 900_000_000, None),  # off for months: what it counted is consumption
        (5_000_000, b"aaaa", 4000, RESET),
        (999_000_000, b"aaaa", 4000, ROLLOVER),
        (5_000_000, b"bbbb", 5_100_000, SWAP),  # the electrician took the node's supply with the meter
        (5_000_000, None, 5_100_000, None),
    ],
)
def test_the_archive_knows_what_was_shown_before_this_start(known, mark, after, expected):
    found = look(fresh({0: known}, mark), 0, after)
    assert [event[2] for event in found] == ([] if expected is None else [expected])


def test_a_mark_names_no_meter_and_tells_two_apart():
    one, other = mark_of(KEY, b"7359992890000042"), mark_of(KEY, "7359992890000043")
    assert len(one) == len(other) == 4
    assert one != other
    assert mark_of(KEY, "7359992890000042") == one != mark_of(bytes(16), b"7359992890000042")
    assert mark_of(KEY, None) is None


def event(n, kind=RESET, before=50):
    return [1000 + n, 0, kind, None, b"aaaa", [[0, before, 0], [2, 7, 0]]]


def test_the_newest_are_kept_over_a_start(tmp_path):
    path = str(tmp_path / "events")
    events = Events(path)
    events.recover()
    assert events.kept == []
    for n in range(KEPT + 2):
        assert events.add([event(n, before=n)]) == [event(n, before=n)]
    again = Events(path)
    again.recover()
    assert again.kept == events.kept == [event(n, before=n) for n in range(2, KEPT + 2)]
    assert again.told_to is None
    again.told_to = b"store"
    assert again.add([]) == []
    assert again.told_to == b"store"
    again.add([event(99)])
    assert again.told_to is None


def test_what_a_power_cut_makes_it_see_twice_is_kept_once(tmp_path):
    events = Events(str(tmp_path / "events"))
    events.add([event(1)])
    assert events.add([event(3600)]) == []
    assert events.add([event(3600, kind=SWAP)]) == [event(3600, kind=SWAP)]
    assert events.add([event(3600, before=51)]) == [event(3600, before=51)]


DAMAGE = [lambda raw: raw[:-1], lambda raw: raw[:9] + b"?" + raw[10:], lambda raw: b""]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_as_none(tmp_path, damage):
    path = Path(tmp_path / "events")
    Events(str(path)).add([event(1)])
    path.write_bytes(damage(path.read_bytes()))
    events = Events(str(path))
    events.recover()
    assert events.kept == []


U40 = st.integers(0, (1 << 40) - 1)


@settings(max_examples=60)
@given(st.lists(st.tuples(U40, U40, st.sampled_from([None, b"aaaa", b"bbbb"])), max_size=12))
def test_whatever_happens_fits_a_status_and_is_understood(rows):
    registers, found = fresh(), []
    for hour, (first, second, mark) in enumerate(rows):
        found += look(registers, hour, first, second, mark)
    body = {control.REGISTERS: found[-KEPT:]}
    assert control.decode(control.encode(body)) == body
    assert len(control.encode(body)) < 420
    assert all(kind in KINDS.values() for _, _, kind, *_ in found)
