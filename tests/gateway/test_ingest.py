"""Real sealed frames through ingest into a real store: what is taken, what is refused, what is answered."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import FRAME_MAX, Reception, Refusal, Uplink
from gateway.store import Change, Outcome, StoreError
from gateway.store.change import NOBODY
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import (
    NOON_MS,
    NOON_S,
    TalkingNode,
    record,
)
from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, DATA, MANY, WELCOME, pack_header


async def test_a_node_introduces_itself_and_is_told_time_and_epoch(bench: Bench) -> None:
    fresh = TalkingNode()
    downlinks = await bench.take(fresh.status())
    assert fresh.hear(downlinks) == {
        control.TIME: [0, NOON_MS],
        control.EPOCH_OK: fresh.epoch,
        control.ACK: [0xD4, 0],
    }
    assert (downlinks[0].frame[0] >> 3) & 7 == WELCOME
    assert downlinks[0].answers is not None
    assert downlinks[0].answers.frame == fresh.frames[0]


async def test_records_are_stored_then_acknowledged(bench: Bench, node: TalkingNode) -> None:
    told = node.hear(await bench.take(node.data(record(0), record(1), record(2))))
    assert told == {control.ACK: [0xD4, 3]}
    (first, *_) = bench.store.after(0, 10)
    assert (first.node, first.epoch, first.seq, first.measured_at_s) == (11, node.epoch, 0, record(0).time)
    assert (first.values, first.quality) == (record(0).values, record(0).quality)
    assert (first.carrier, first.rssi_dbm, first.snr_db) == ("mqtt", -71, 9.5)


async def test_one_answer_for_all_frames_of_a_node(bench: Bench, node: TalkingNode) -> None:
    other = TalkingNode(12)
    await bench.introduce(other)
    frames = [node.data(record(n)) for n in (0, 1, 2, 5)] + [other.data(record(0))]
    downlinks = await bench.take(*frames)
    assert sorted(d.node for d in downlinks) == [11, 12]
    assert node.hear(downlinks) == {control.ACK: [0xD4, 3, [5, 5]]}
    assert other.hear(downlinks) == {control.ACK: [0xD4, 1]}


async def test_a_frame_that_asks_for_nothing_gets_nothing(bench: Bench, node: TalkingNode) -> None:
    assert await bench.take(node.data(record(0), flags=0)) == []
    assert bench.stored() == [0]


async def test_a_record_sent_again_is_acknowledged_again_and_stored_once(
    bench: Bench, node: TalkingNode
) -> None:
    first = node.hear(await bench.take(node.data(record(0), record(1))))
    again = node.hear(await bench.take(node.data(record(0), record(1))))
    overlapping = node.hear(await bench.take(node.data(record(1), record(2)), node.data(record(2))))
    assert first == again == {control.ACK: [0xD4, 2]}
    assert overlapping == {control.ACK: [0xD4, 3]}
    assert bench.stored() == [0, 1, 2]


async def test_a_replayed_frame_is_counted_and_never_acknowledged(bench: Bench, node: TalkingNode) -> None:
    frame = node.data(record(0))
    assert len(await bench.take(frame)) == 1
    assert await bench.take(frame, frame) == []
    assert await bench.take(node.frames[0]) == []  # the STATUS
    assert bench.refused() == {Refusal.REPLAY: 3}


async def test_frames_may_overtake_one_another(bench: Bench, node: TalkingNode) -> None:
    frames = [node.data(record(n)) for n in range(5)]
    for frame in reversed(frames):
        node.hear(await bench.take(frame))
    assert node.told == {control.ACK: [0xD4, 5]}
    assert sorted(bench.stored()) == [0, 1, 2, 3, 4]


async def test_frames_of_unknown_nodes_are_counted_kept_and_not_answered(bench: Bench) -> None:
    stranger = TalkingNode(99)
    assert await bench.take(stranger.status(), stranger.data(record(0))) == []
    await bench.ingest.flush()
    assert bench.store.reader.refusals() == {(Refusal.UNKNOWN_NODE, NOBODY): 2}
    assert [u.frame for u in bench.store.reader.unknown_frames()] == stranger.frames


async def test_what_is_not_authentic_is_counted_and_not_parsed(bench: Bench, node: TalkingNode) -> None:
    impostor = TalkingNode(11, key=b"not the real key")
    good = node.data(record(0))
    altered = bytes([*good[:-1], good[-1] ^ 1])
    other_node = good[:2] + bytes([12]) + good[3:]
    refused = [
        impostor.data(record(0)),
        altered,
        other_node,
        good[:-1],
        good[:13],
        good[:3],
        b"",
        b"\xff" * 40,
    ]
    assert await bench.take(*refused) == []
    assert bench.refused() == {Refusal.BAD_TAG: 4, Refusal.MALFORMED: 4}
    assert bench.stored() == []
    node.hear(await bench.take(good))
    assert bench.stored() == [0]


async def test_what_is_too_large_is_refused_before_anything_else(bench: Bench) -> None:
    assert await bench.take(bytes(FRAME_MAX + 1)) == []
    assert bench.refused() == {Refusal.TOO_LARGE: 1}


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\xff" * 200, b"\x9f" * 1000, b"\xa1" * 300])
@pytest.mark.parametrize(("kind", "start"), [(DATA, b""), (DATA, b"\x01\xd4"), (CONTROL, b"")])
async def test_an_authentic_frame_may_still_hold_nonsense(
    bench: Bench, node: TalkingNode, kind: int, start: bytes, junk: bytes
) -> None:
    assert await bench.take(node.seal(kind, ACK_REQUESTED | MANY, start + junk)) == []
    (cause,) = bench.refused()
    assert cause in (Refusal.MALFORMED, Refusal.UNKNOWN_SCHEMA)
    assert bench.stored() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.sampled_from([DATA, CONTROL, WELCOME]), st.integers(0, 7), st.binary(max_size=60))
def test_no_body_breaks_ingest(
    tmp_path_factory: pytest.TempPathFactory, kind: int, flags: int, body: bytes
) -> None:
    async def take() -> None:
        made = Bench(tmp_path_factory.mktemp("any") / "store.db")
        node = TalkingNode()
        await made.introduce(node)
        await made.take(node.seal(kind, flags, body), node.seal(kind, flags, b"\x01\xd4" + body))
        assert node.hear(await made.take(node.data(record(9))))[control.ACK][0] == 0xD4
        await made.store.close()

    asyncio.run(take())


async def test_a_downlink_type_does_not_come_up(bench: Bench, node: TalkingNode) -> None:
    assert await bench.take(node.seal(WELCOME, 0, bytes(20))) == []
    assert bench.refused() == {Refusal.WRONG_TYPE: 1}


async def test_an_unknown_schema_is_not_stored(bench: Bench, node: TalkingNode) -> None:
    assert await bench.take(node.data(record(0), schema=77)) == []
    assert bench.refused() == {Refusal.UNKNOWN_SCHEMA: 1}


async def test_an_epoch_that_was_not_introduced_is_asked_for(bench: Bench) -> None:
    stranger = TalkingNode()  # it knows another store, this one does not know it
    downlinks = await bench.take(stranger.data(record(0)))
    assert stranger.hear(downlinks) == {control.TIME: [0, NOON_MS], control.ASK: control.ASK_STATUS}
    assert bench.stored() == []
    assert bench.refused() == {Refusal.UNKNOWN_EPOCH: 1}
    stranger.hear(await bench.take(stranger.status()))
    assert stranger.hear(await bench.take(stranger.data(record(0)))) == {control.ACK: [0xD4, 1]}


async def test_a_formatted_node_may_draw_the_same_short_form(bench: Bench, node: TalkingNode) -> None:
    node.hear(await bench.take(node.data(record(0), record(1))))
    late = node.data(record(2))  # of the old ring, still on its way
    node.epoch = 0x55555500 | node.epoch & 0xFF
    await bench.introduce(node)
    assert node.hear(await bench.take(node.data(record(0, NOON_S)))) == {control.ACK: [0xD4, 1]}
    assert await bench.take(late) != []  # it is asked to introduce itself; nothing is mixed up
    assert [(r.epoch, r.seq) for r in bench.store.after(0, 10)] == [
        (0xA1B2C3D4, 0),
        (0xA1B2C3D4, 1),
        (0x555555D4, 0),
    ]


async def test_losses_are_entered_and_acknowledged(bench: Bench, node: TalkingNode) -> None:
    await bench.take(node.data(*[record(n) for n in range(20, 25)]))
    told = node.hear(await bench.take(node.status(next=25, oldest=20, lost=[[0, 9]])))
    assert told[control.ACK] == [0xD4, 25]
    losses = [(x.first, x.last, x.cause) for x in bench.store.reader.losses()]
    assert losses == [(0, 9, "overwritten"), (10, 19, "gone")]
    (line,) = bench.store.reader.ledger()
    assert (line.measured, line.heard, line.stored, line.lost) == (25, 5, 5, 20)


async def test_a_restart_remembers_what_matters(bench: Bench, node: TalkingNode) -> None:
    await bench.take(node.status(clock=[7, 5_600_000], next=1))
    frame = node.data(record(0))
    first = await bench.take(frame)
    node.hear(first)
    await bench.restart()
    assert await bench.take(frame) == []  # the replay window
    assert bench.refused() == {Refusal.REPLAY: 1}
    again = await bench.take(node.data(record(0), record(1)))  # the epoch, what was heard, the welcome
    assert node.hear(again) == {control.ACK: [0xD4, 2]}
    assert bench.stored() == [0, 1]
    assert again[0].frame[:6] != first[0].frame[:6]  # no downlink counter twice
    node.hear(await bench.take(node.data(record(2, 5000), clock=7)))  # the anchors
    assert bench.stored() == [0, 1, 2]
    await bench.ingest.flush()
    await bench.restart()
    assert bench.refused() == {Refusal.REPLAY: 1}  # the counts


async def test_a_node_with_a_new_key_begins_again_at_zero(bench: Bench, node: TalkingNode) -> None:
    await bench.take(*[node.data(record(n)) for n in range(100)])
    key = b"another 16 bytes"
    await bench.restart({11: key})
    rejoined = TalkingNode(11, key=key)
    await bench.introduce(rejoined, next=100)
    assert rejoined.told[control.ACK] == [0xD4, 100]
    assert rejoined.hear(await bench.take(rejoined.data(record(100)))) == {control.ACK: [0xD4, 101]}


async def test_what_the_store_does_not_take_is_not_acknowledged(
    bench: Bench, node: TalkingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(change: Change) -> Outcome:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(bench.store, "append", full)
        assert await bench.take(node.data(record(0)), b"nonsense") == []
    assert node.hear(await bench.take(node.data(record(0)))) == {control.ACK: [0xD4, 1]}
    assert bench.store.reader.refusals() == {(Refusal.MALFORMED, NOBODY): 1}


async def test_status_is_kept_for_people(bench: Bench, node: TalkingNode) -> None:
    await bench.take(node.status(battery=3580, firmware="0.1.0", next=7))
    (state,) = bench.store.reader.nodes()
    assert '"battery_mv": 3580' in state.status
    assert (state.status_at_ms, state.last_seen_ms, state.welcomed) == (NOON_MS, NOON_MS, True)
    assert bench.store.reader.epochs()[0].next_seq == 7


async def test_a_node_can_be_asked_for_its_status(bench: Bench, node: TalkingNode) -> None:
    assert node.hear([await bench.ingest.ask_status(11)]) == {control.ASK: control.ASK_STATUS}
    with pytest.raises(KeyError):
        await bench.ingest.ask_status(99)


async def test_header_alone_moves_no_window(bench: Bench, node: TalkingNode) -> None:
    forged = pack_header(DATA, 0, 11, 1_000_000) + bytes(30)
    await bench.take(forged)
    assert node.hear(await bench.take(node.data(record(0)))) == {control.ACK: [0xD4, 1]}


async def test_by_radio_an_answer_tells_the_time_and_a_status_is_anchored_at_its_beginning(
    bench: Bench,
) -> None:
    node = TalkingNode()
    heard = Reception("aa", -110, -3.5, 1, 869_525, 12, 125)

    def by_radio(frame: bytes) -> Uplink:
        return Uplink(frame, NOON_MS, "lora", -110, -3.5, (heard,), 3_000, 1_000)

    downlinks = await bench.ingest.accept([by_radio(node.status(clock=[3, 50_000]))])
    node.hear(downlinks)
    assert downlinks[0].value == 2
    (anchor,) = bench.ingest.links[11].anchors[3]
    assert (anchor.clock_ms, anchor.utc_ms) == (50_000, NOON_MS - 3_000)
    frame = node.data(record(0))
    downlinks = await bench.ingest.accept([by_radio(frame)])
    told = node.hear(downlinks)
    assert told[control.TIME] == [node.counter - 1, NOON_MS + 500]
    assert downlinks[0].value == 0
    assert bench.ingest.links[11].receptions["aa"] == heard


async def test_a_node_that_slept_when_it_was_asked_is_asked_again(bench: Bench) -> None:
    node = TalkingNode()
    await bench.introduce(node)
    await bench.ingest.ask_status(11)
    for seq in range(2):
        assert node.hear(await bench.take(node.data(record(seq))))[control.ASK] == control.ASK_STATUS
    await bench.take(node.status())
    assert control.ASK not in node.hear(await bench.take(node.data(record(2))))
