"""Lines are the items they stand for, made or not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.journal import Item
from cloud_sync.lines import Lines
from gateway.store import stretches_of
from tests.cloud_sync.doubles import each, encode, record


@given(st.sets(st.integers(1, 500), max_size=60), st.integers(0, 5))
def test_they_are_cut_by_number_and_nothing_is_lost(numbers: set[int], others: int) -> None:
    records = [record(n, node=11 + n % 3) for n in sorted(numbers)]
    loose = [Item(1000 + i, 9, 9, i, i, f"line {i}") for i in range(others)]
    lines = Lines(loose, [(stretch, each(encode)(stretch)) for stretch in stretches_of(records)])
    expected = loose + [Item(r.commit, r.node, r.epoch, r.seq, r.measured_at_s, encode(r)) for r in records]
    assert len(lines) == len(expected)
    assert sorted(filter(None, lines.text().split("\n"))) == sorted(item.line for item in expected)
    old, new = lines.halves()
    assert [*old, *new] == sorted(expected) == sorted(lines)
    assert len(new) - len(old) in (0, 1)
    assert sorted(filter(None, lines.text().split("\n"))) == sorted(item.line for item in expected)


def test_the_lines_of_a_series_stand_together() -> None:
    records = [replace(record(n, node=11 + n % 2), seq=n) for n in range(1, 7)]
    text = Lines(blocks=[(s, each(encode)(s)) for s in stretches_of(records)]).text()
    assert [line.split()[0] for line in text.split("\n")] == 3 * ["snow,node=12,site=demo"] + 3 * [
        "snow,node=11,site=demo"
    ]
