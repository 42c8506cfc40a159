"""Data bodies: what goes in comes out, and whatever else comes in is a FrameError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.firmware.wire.strategies import batches, clocks, epochs, mutations
from wire.frame import MANY, RELATIVE, FrameError
from wire.quantities import FAULT, MISSING, OK, QUANTITIES
from wire.records import COUNT_MAX, Record, UnknownSchema, decode, encode, encode_most

schema_ids = st.integers(0, 255)
ONE = Record(7, 1_767_225_600, (3700,), (OK,))


def row(i: int, value: int | None = 3700, quality: int = OK) -> Record:
    return Record(7 + i, 1_767_225_600 + 600 * i, (value,), (quality,))


@given(schema_ids, batches(), epochs, clocks)
def test_records_come_back(
    schema: int, batch: tuple[tuple[int, ...], list[Record]], epoch: int, clock: int | None
) -> None:
    quantities, records = batch
    flags, body = encode(schema, quantities, epoch, clock, records)
    assert flags == (RELATIVE if clock is not None else 0) | (MANY if len(records) > 1 else 0)
    found = decode(flags, body, {schema: quantities})
    assert found == (schema, epoch & 0xFF, clock, records)
    assert all(type(value) in (int, type(None)) for record in found.records for value in record.values)


@given(batches(), clocks, st.integers(30, 300))
def test_as_many_as_fit(batch: tuple[tuple[int, ...], list[Record]], clock: int | None, size: int) -> None:
    quantities, records = batch
    try:
        flags, body, n = encode_most(1, quantities, 1, clock, records, size)
    except ValueError as error:
        assert "one record does not fit" in str(error)
        assert len(encode(1, quantities, 1, clock, records[:1])[1]) > size
        return
    assert len(body) <= size
    assert decode(flags, body, {1: quantities}).records == records[:n]
    if n < len(records):
        assert len(encode(1, quantities, 1, clock, records[: n + 1])[1]) > size


@given(batches())
def test_bodies_grow_with_each_record(batch: tuple[tuple[int, ...], list[Record]]) -> None:
    """What the search of `encode_most` rests on."""
    quantities, records = batch
    sizes = [len(encode(1, quantities, 1, None, records[: n + 1])[1]) for n in range(min(len(records), 20))]
    assert sizes == sorted(sizes)


@given(st.data(), batches(), clocks, st.integers(0, 7))
def test_a_mutated_body_is_a_frame_error_or_a_batch(
    data: st.DataObject, batch: tuple[tuple[int, ...], list[Record]], clock: int | None, flip: int
) -> None:
    quantities, records = batch
    flags, body = encode(1, quantities, 1, clock, records)
    changed = data.draw(mutations(body))
    try:
        found = decode(flags ^ flip, changed, {1: quantities})
    except FrameError:
        return
    for record in found.records:
        assert 0 <= record.seq < 1 << 32
        assert 0 <= record.time < 1 << 32
        for value, code, quantity in zip(record.values, record.quality, quantities, strict=True):
            assert (value is None) == (code in (MISSING, FAULT))
            assert value is None or QUANTITIES[quantity].lo <= value <= QUANTITIES[quantity].hi


@given(st.binary(max_size=80), st.integers(0, 7))
def test_any_bytes_are_a_frame_error_or_a_batch(body: bytes, flags: int) -> None:
    schemas = {n: (2, 3) for n in range(256)}
    try:
        batch = decode(flags, body, schemas)
    except FrameError:
        return
    assert decode(*encode(batch.schema, (2, 3), batch.epoch, batch.clock, batch.records), schemas) == batch


@given(st.data(), batches(), clocks)
def test_the_short_way_for_single_reports_comes_to_the_same(
    data: st.DataObject, batch: tuple[tuple[int, ...], list[Record]], clock: int | None
) -> None:
    quantities, (first, *_) = batch
    flags, body = encode(1, quantities, 1, clock, [first])
    changed = data.draw(st.just(body) | mutations(body))

    def outcome() -> object:
        try:
            return decode(flags, changed, {1: quantities})
        except FrameError as error:
            return str(error)

    short = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wire.records._take_report", lambda bits, quantities: None)
        assert outcome() == short


def test_a_report_has_no_needless_byte() -> None:
    """Schema, epoch, sequence, time; then a quality bit and 14 bits: 15 bits, one to fill."""
    assert encode(1, (2,), 0x1234, None, [ONE]) == (0, bytes.fromhex("01340769 55b900 1ce8"))


def test_unknown_schema() -> None:
    flags, body = encode(9, (2,), 1, None, [ONE])
    with pytest.raises(UnknownSchema, match="unknown schema 9"):
        decode(flags, body, {1: (2,)})


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([], "1 to 255 records, not 0"),
        ([row(i) for i in range(COUNT_MAX + 1)], "1 to 255 records, not 256"),
        ([row(0), row(2)], "record 9 is not the one after 7"),
        ([row(0), row(0)], "record 7 is not the one after 7"),
        ([ONE._replace(seq=-1)], "sequence -1 does not fit 32 bits"),
        ([ONE._replace(seq=1 << 32)], "sequence 4294967296 does not fit 32 bits"),
        ([ONE._replace(time=-1)], "time -1 does not fit 32 bits"),
        ([ONE._replace(time=1 << 32)], "time 4294967296 does not fit 32 bits"),
        ([row(0, -1)], r"distance_mm: -1 is outside 0\.\.16383"),
        ([row(0, 16384)], r"distance_mm: 16384 is outside 0\.\.16383"),
        ([row(0), row(1, 16384)], r"distance_mm: 16384 is outside"),
        ([row(0, None)], "distance_mm: value None does not go with quality 0"),
        ([row(0, 5, MISSING)], "distance_mm: value 5 does not go with quality 1"),
        ([row(0, 5, FAULT)], "distance_mm: value 5 does not go with quality 2"),
        ([row(0, 5, 10)], "distance_mm: there is no quality 10"),
        ([row(0, 5, 16)], "distance_mm: there is no quality 16"),
        ([row(0, 5, -1)], "distance_mm: there is no quality -1"),
        ([Record(7, 0, (1, 2), (0,))], "record 7 has 2 values and 1 quality codes for 1 channels"),
        ([Record(7, 0, (), ())], "record 7 has 0 values and 0 quality codes for 1 channels"),
        ([Record(7, 0, (1,), (0, 0))], "record 7 has 1 values and 2 quality codes for 1 channels"),
    ],
)
def test_what_can_not_be_encoded(records: list[Record], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        encode(1, (2,), 1, None, records)


@pytest.mark.parametrize(("schema", "clock"), [(256, None), (-1, None), (1, 256), (1, -1)])
def test_ids_that_do_not_fit_a_byte(schema: int, clock: int | None) -> None:
    with pytest.raises(ValueError, match="does not fit a byte"):
        encode(schema, (2,), 1, clock, [ONE])


def test_one_record_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="one record does not fit a body of 8 bytes"):
        encode_most(1, (2,), 1, None, [ONE], 8)


@pytest.mark.parametrize(
    ("flags", "body", "text"),
    [
        (0, "", "too early"),
        (0, "01", "too early"),
        (0, "0134", "too early"),
        (0, "013407", "too early"),
        (0, "0134076955b9", "too early"),
        (0, "0134076955b900", "too early"),
        (0, "0134076955b9001c", "too early"),
        (0, "0134076955b9001ce9", "after its end"),
        (0, "0134076955b9001ce800", "after its end"),
        (0, "013487006955b9001ce8", "not in shortest form"),
        (0, "0134ffffffffff0f6955b9001ce8", "longer than 5 bytes"),
        (0, "0134ffffffff1f6955b9001ce8", "does not fit 32 bits"),
        (RELATIVE, "0134076955b900", "too early"),
        (MANY, "0134076955b900", "too early"),
        (MANY, "0134076955b90001d8041ce8", "count 1 or interval 600"),
        (MANY, "0134076955b90000d8041ce8", "count 0 or interval 600"),
        (MANY, "0134076955b900028080800800", "count 2 or interval 16777216"),
        (MANY, "013407ffffffff0201f0", "time 4294967296 does not fit 32 bits"),
        (0, "0134076955b900e8", "unknown quality code 10"),
    ],
)
def test_errors_say_what_is_wrong(flags: int, body: str, text: str) -> None:
    with pytest.raises(FrameError, match=text):
        decode(flags, bytes.fromhex(body), {1: (2,)})


def test_a_value_outside_its_quantity() -> None:
    flags, body = encode(1, (3,), 1, None, [Record(7, 0, (15000,), (OK,)), Record(8, 0, (14999,), (OK,))])
    assert decode(flags, body, {1: (3,)}).records[0].values == (15000,)
    with pytest.raises(FrameError, match=r"value 20668 outside -10000\.\.15000"):
        decode(0, bytes.fromhex("0134076955b900") + (30668 << 0).to_bytes(2, "big"), {1: (3,)})
