"""The bench radio measures what it says."""

from tests.bench.gauge import gauge_records
from tests.bench.radio import BACKFILL, PAYLOAD_MAX, air, cbor_packets, frames, frames_of, push
from tests.bench.wire import sealed_bytes
from wire.airtime import FRAME_MAX


def test_the_air_without_a_gateway() -> None:
    figures = {figure.name: figure for figure in air(gauge_records()[:240])}
    assert figures["airtime_ms_per_record"].holds
    assert figures["backfill_airtime_ms_per_record"].value < figures["airtime_ms_per_record"].value / 3


def test_frames_fit_and_carry_every_record() -> None:
    window = gauge_records()[:BACKFILL]
    sizes = list(frames_of(window))
    assert max(sizes) <= FRAME_MAX[9]
    assert sum(sizes) > sealed_bytes(window)  # one frame could not have held them
    assert all(size <= PAYLOAD_MAX for size in cbor_packets(window))


def test_every_datagram_is_another() -> None:
    introductions, reports = frames(1_795_000_000)
    assert len({push(frame) for frame in introductions + reports}) == len(introductions) + len(reports)
