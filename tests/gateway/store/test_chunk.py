"""A chunk gives back every record exactly, and says so when it is damaged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Heard, StoredRecord
from gateway.store.chunk import Columns, make_chunk, seconds_of
from gateway.store.columns import Malformed

INT64 = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**40),  # measured_at_s
        st.integers(0, 10**9),  # error
        st.integers(0, 10**12),  # received, s after
        st.tuples(st.none() | INT64, st.none() | st.integers(-5, 5)),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
        st.sampled_from(["mqtt", "lora", "brø"]),
        st.none() | st.integers(-150, 0),
        st.none() | st.floats(-30, 30) | st.sampled_from([9.25, -3.4, 0.0]),
        st.booleans(),
        st.lists(
            st.builds(
                Heard,
                st.sampled_from(["c1", "c2", "øst"]),
                st.integers(-150, 0),
                st.floats(-30, 30) | st.sampled_from([9.25, -3.4]),
                st.integers(7, 12),
            ),
            max_size=3,
            unique_by=lambda heard: heard.receiver,
        ).map(tuple),
    ),
    min_size=1,
    max_size=20,
)


def records_of(rows: list[tuple[object, ...]]) -> list[StoredRecord]:
    return [
        StoredRecord(1 + 3 * i, 11, 7, i, at, error, (at + later) * 1000, 1, values, marks, *rest)  # type: ignore[operator, arg-type]
        for i, (at, error, later, values, marks, *rest) in enumerate(rows)
    ]


@given(ROWS)
def test_every_record_comes_back(rows: list[tuple[object, ...]]) -> None:
    records = records_of(rows)
    chunk = make_chunk(records[::-1])
    columns = Columns(chunk)
    assert [columns.record(i) for i in range(chunk.count)] == records
    seconds = [r.measured_at_s for r in records]
    assert list(seconds_of(chunk)) == list(columns.seconds) == seconds
    assert (chunk.first_s, chunk.last_s) == (min(seconds), max(seconds))
    assert list(columns.commits) == [r.commit for r in records]
    stretch = Columns(chunk).stretch()  # of a chunk no record was asked of
    assert list(zip(*stretch.values, strict=True)) == [r.values for r in records]
    assert list(zip(*stretch.quality, strict=True)) == [r.quality for r in records]
    assert [stretch.record(i) for i in range(chunk.count)] == records
    assert columns.stretch().values == stretch.values


def test_the_time_of_receipt_is_kept_to_the_second() -> None:
    (record,) = records_of([(1000, 5, 3, (1, 2), (0, 0), "mqtt", None, None, False)])
    chunk = make_chunk([replace(record, received_at_ms=record.received_at_ms + 999)])
    assert Columns(chunk).record(0) == record


@given(st.integers(0, 400), st.integers(1, 255))
def test_damage_is_noticed(position: int, flip: int) -> None:
    rows: list[tuple[object, ...]] = [
        (1000 + 600 * i, 5, 3, (i * i % 97, None), (0, 0), "mqtt", -70, 9.25, False) for i in range(30)
    ]
    chunk = make_chunk(records_of(rows))
    at = position % len(chunk.body)
    body = bytearray(chunk.body)
    body[at] ^= flip
    try:
        columns = Columns(replace(chunk, body=bytes(body)))
    except Malformed:
        return
    # Some bits of a frame's header say nothing; then everything is as it was.
    assert [columns.record(i) for i in range(30)] == records_of(rows)


@pytest.mark.parametrize("body", [b"", b"nothing that zstandard wrote"])
def test_what_is_no_chunk_is_said_so(body: bytes) -> None:
    (record,) = records_of([(1000, 5, 3, (1, 2), (0, 0), "mqtt", None, None, False)])
    with pytest.raises(Malformed):
        Columns(replace(make_chunk([record]), body=body))


def test_who_heard_it_costs_little() -> None:
    rows: list[tuple[object, ...]] = [
        (1000 + 600 * i, 5, 1, (i * i % 97, None), (0, 0), "lora", -100 + i % 7, 9.25 - i % 5, False)
        for i in range(512)
    ]
    plain = make_chunk(records_of(rows))
    assert Columns(plain).record(3).receivers == ()
    both = [
        (*row, (Heard("c1", -100 + i % 7, 9.25 - i % 5, 9), Heard("c2", -115 + i % 5, -2.5 - i % 3, 9)))
        for i, row in enumerate(rows)
    ]
    kept = make_chunk(records_of(both))
    assert Columns(kept).record(3).receivers[1] == Heard("c2", -112, -2.5, 9)
    assert len(kept.body) - len(plain.body) < 2 * len(rows)
