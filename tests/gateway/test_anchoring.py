"""When a record was measured, as ingest settles it: clocks with and without an anchor, ahead, in 1970."""

from gateway.model import Refusal
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import NOON_MS, NOON_S, TalkingNode, record
from wire import control


async def test_times_on_a_clock_wait_for_an_anchor(bench: Bench, node: TalkingNode) -> None:
    early = record(0, 5000)
    told = node.hear(await bench.take(node.data(early, clock=7)))
    assert told == {control.ASK: control.ASK_STATUS}
    assert bench.refused() == {Refusal.UNKNOWN_CLOCK: 1}
    node.hear(await bench.take(node.status(clock=[7, 5_600_000], next=1)))
    assert node.hear(await bench.take(node.data(early, clock=7))) == {control.ACK: [0xD4, 1]}
    (stored,) = bench.store.after(0, 10)
    assert (stored.measured_at_s, stored.time_error_ms) == (NOON_S - 600, 1000 + 6000)


async def test_a_clock_that_ended_unheard_is_placed_between_its_neighbours(
    bench: Bench, node: TalkingNode
) -> None:
    """One that met nobody ran for 300 s between a record at -3600 s and a power-on at -600 s."""
    await bench.take(node.data(record(0, NOON_S - 3600)))
    orphans = (record(1, 100), record(2, 300))
    assert node.hear(await bench.take(node.data(*orphans, clock=7))) == {control.ASK: control.ASK_STATUS}
    node.hear(await bench.take(node.status(clock=[8, 600_000], next=4)))
    assert node.hear(await bench.take(node.data(record(3, NOON_S - 500)))) == {control.ACK: [0xD4, 1, [3, 3]]}
    told = node.hear(await bench.take(node.data(orphans[1], clock=7)))
    assert told == {control.ACK: [0xD4, 1, [2, 3]]}
    node.hear(await bench.take(node.data(orphans[0], clock=7)))
    stored = {r.seq: r for r in bench.store.after(0, 10)}
    for seq, earliest_s in ((1, NOON_S - 3500), (2, NOON_S - 3300)):
        found = stored[seq]
        reach_s = found.time_error_ms / 1000
        assert found.measured_at_s - reach_s <= earliest_s
        assert found.measured_at_s + reach_s >= NOON_S - 600 - (300 - 100) * (seq == 1)
        assert reach_s < 1400
    assert stored[2].measured_at_s - stored[1].measured_at_s == 200


async def test_a_clock_that_may_still_go_on_waits(bench: Bench, node: TalkingNode) -> None:
    """The STATUS is from before these records: their clock may be the present one."""
    await bench.take(node.status(clock=[8, 600_000], next=4))
    told = node.hear(await bench.take(node.data(record(4, 100), clock=9)))
    assert told == {control.ASK: control.ASK_STATUS}


async def test_a_record_is_placed_once(bench: Bench, node: TalkingNode) -> None:
    await bench.take(node.status(clock=[7, 5_600_000], next=1))
    await bench.take(node.data(record(0, 5000), clock=7))
    bench.now_ms += 3_630_000  # the node's clock lost half a minute in an hour
    await bench.take(node.status(clock=[7, 9_200_000], next=1), node.data(record(0, 5000), clock=7))
    (stored,) = bench.store.after(0, 10)
    assert stored.measured_at_s == NOON_S - 600


async def test_two_records_in_one_second_the_later_moves(bench: Bench, node: TalkingNode) -> None:
    await bench.take(node.data(record(0, NOON_S - 60), record(1, NOON_S - 60), record(2, NOON_S - 59)))
    await bench.take(node.data(record(3, NOON_S - 60)))
    assert [(r.seq, r.measured_at_s - NOON_S, r.moved) for r in bench.store.after(0, 10)] == [
        (0, -60, False),
        (1, -59, True),
        (2, -58, True),
        (3, -57, True),
    ]


async def test_a_clock_ahead_is_put_right_and_told(bench: Bench, node: TalkingNode) -> None:
    told = node.hear(await bench.take(node.data(record(0, NOON_S + 9), flags=0)))
    assert told == {control.TIME: [1, NOON_MS], control.ACK: [0xD4, 1]}
    await bench.take(node.data(record(1, NOON_S + 90_000)))
    assert [(r.measured_at_s - NOON_S, r.moved) for r in bench.store.after(0, 10)] == [(9, False), (0, True)]
    bench.trusted = False
    await bench.take(node.data(record(2, NOON_S + 90_000)))
    assert bench.store.after(2, 10)[0].measured_at_s == NOON_S + 90_000


async def test_a_gateway_that_woke_in_1970_welcomes_nobody(bench: Bench) -> None:
    bench.now_ms = 5000
    bench.trusted = False
    node = TalkingNode()
    assert await bench.take(node.status(clock=[7, 1000])) == []
    assert bench.store.reader.anchors() == {}
    bench.now_ms = NOON_MS
    assert node.hear(await bench.take(node.data(record(0))))[control.TIME] == [1, NOON_MS]


async def test_an_event_of_registers_is_stored_once_and_placed(bench: Bench, node: TalkingNode) -> None:
    events = [
        [NOON_S - 50, 0, 3, b"aaaa", b"bbbb", [[2, 900, 7]]],
        [5000, 7, 1, None, None, [[2, 7, 0]]],  # on a clock that this very STATUS ties to UTC
        [60, 9, 4, None, None, [[2, 0, 99]]],  # on one that nothing does
    ]
    for _ in range(2):
        await bench.take(node.status(clock=[7, 5_600_000], next=1, registers=events))
    found = bench.store.reader.register_events()
    assert [(event.at_s, event.kind) for event in found] == [
        (NOON_S - 600, "reset"),
        (NOON_S - 50, "swap"),
        (NOON_S, "jump"),
    ]
    swap = found[1]
    assert (swap.before, swap.after, swap.registers) == (b"aaaa", b"bbbb", ((2, 900, 7),))
    assert (swap.node, swap.noted_at_ms) == (node.node, NOON_MS)
