"""The independent reader agrees with what the node wrote."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.virtual.backlog_image import read_backlog
from node.backlog import Backlog
from node.retained import Retained

CHANNELS = 3
Row = tuple[int, int | None, tuple[int | None, ...]]
VALUE = st.one_of(st.none(), st.integers(-(1 << 39), 1 << 39))
ROW = st.tuples(
    st.one_of(st.integers(900, 1000), st.integers(0, 0xFFFFFFFF)),
    st.one_of(st.none(), st.integers(1, 2)),
    st.tuples(VALUE, VALUE, VALUE),
)


@settings(max_examples=40)
@given(rows=st.lists(ROW, min_size=1, max_size=80), together=st.integers(1, 7))
def test_it_reads_what_the_node_wrote(
    rows: list[Row], together: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("flash") / "log"
    state = Retained()
    backlog = Backlog(state, CHANNELS, 50, directory=str(directory))
    backlog.recover(lambda n: b"\x11\x22\x33\x44")
    whole = [(*row, tuple(2 if value is None else 0 for value in row[2])) for row in rows]
    for i in range(0, len(rows), together):
        backlog.append(whole[i : i + together])
    expected = [
        (0x44332211, seq, time_s, clock or 0, values, quality)
        for seq, (time_s, clock, values, quality) in enumerate(whole)
    ]
    tree = {f"log/{path.name}": path.read_bytes() for path in directory.iterdir()}
    found = read_backlog(tree, CHANNELS)
    assert [(r.epoch, r.seq, r.time_s, r.clock, r.values, r.quality) for r in found] == expected
