"""A node, its gateway and everything that happens to both in years, in any order: what was acknowledged is
stored once and as it was measured, and what is lost has been told."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.model import Downlink
from gateway.store.opening import open_database, renew
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import TalkingNode, record
from wire import control
from wire.frame import HEADER_SIZE, WELCOME, WELCOME_SIZE, FrameError, parse_header

NODE, RING, TOGETHER = 11, 24, 12
PLENTY = 1 << 30  # pages
Identity = tuple[int, int]  # epoch, sequence


class Life(RuleBasedStateMachine):
    """`told` are the sequences of this epoch that the present store has acknowledged; the ring holds the last
    records whatever was acknowledged, as in flash. `kept` is what the store has to have for ever."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="sn-life-"))
        self.bench = self.runner.run(self.opened())
        self.root = bytes([1]) * 16
        self.keys = 1
        self.restarted()
        self.node = TalkingNode(NODE, key=self.root, epoch=0x1111_0001)
        self.epochs = 1
        self.measured: dict[Identity, int] = {}
        self.kept: set[Identity] = set()
        self.store_id = b""
        self.full = False
        self.new_ring()

    async def opened(self) -> Bench:
        return Bench(self.folder / "store.db")

    def new_ring(self) -> None:
        self.ring: dict[int, int] = {}
        self.next = 0
        self.told: set[int] = set()
        self.lost: set[int] = set()
        self.introduced = False

    def restarted(self) -> None:
        self.runner.run(self.bench.restart({NODE: self.root}))

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.come_to_an_end()
            self.what_was_acknowledged_is_there_once_and_as_it_was()
        finally:
            self.runner.run(self.bench.store.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    # What a node does

    def hear(self, downlinks: list[Downlink]) -> None:
        for downlink in downlinks:
            frame = downlink.frame
            if parse_header(frame).type == WELCOME:
                store_id = frame[HEADER_SIZE + 4 : WELCOME_SIZE]
                if store_id != self.store_id:
                    self.store_id, self.told, self.introduced = store_id, set(), False
            try:
                told: dict[int, Any] = self.node.hear([downlink])
            except FrameError:  # of a store whose welcome got lost: a node asks for it by a STATUS
                self.introduced = False
                continue
            if told.get(control.EPOCH_OK) == self.node.epoch:
                self.introduced = True
            if told.get(control.ASK):
                self.introduced = False
            if control.ACK in told:
                short, upto, *ranges = told[control.ACK]
                assert short == self.node.epoch & 0xFF
                runs = [(0, upto - 1), *ranges]
                self.told |= {seq for first, last in runs for seq in range(first, last + 1)}
                self.kept |= {(self.node.epoch, seq) for seq in self.told & self.ring.keys()}

    def say(self, frame: bytes, heard: bool = True) -> None:
        downlinks = self.runner.run(self.bench.take(frame))
        if heard:
            self.hear(downlinks)

    def status(self) -> bytes:
        lost = [[seq, seq] for seq in sorted(self.lost)[-4:]]
        return self.node.status(next=self.next, oldest=min(self.ring, default=self.next), lost=lost)

    def waiting(self) -> list[int]:
        return sorted(set(self.ring) - self.told)

    def report(self, heard: bool = True) -> None:
        if not self.introduced:
            self.say(self.status(), heard)
            return
        newest = self.waiting()[-TOGETHER:]
        run = [seq for i, seq in enumerate(newest) if newest[-1] - seq == len(newest) - 1 - i]
        if run:
            self.say(self.node.data(*(record(seq, value=self.ring[seq]) for seq in run)), heard)

    # What happens

    @rule(count=st.integers(1, 16))
    def measure(self, count: int) -> None:
        for _ in range(count):
            value = 12_000 + len(self.measured) % 8000
            self.ring[self.next] = value
            self.measured[self.node.epoch, self.next] = value + self.next % 100
            self.next += 1
            if len(self.ring) > RING:
                oldest = min(self.ring)
                del self.ring[oldest]
                if oldest not in self.told:
                    self.lost.add(oldest)

    @rule(count=st.integers(1, 16), lost=st.booleans())
    def all_is_well(self, count: int, lost: bool) -> None:
        """But for an answer that may get lost."""
        self.measure(count)
        for heard in (not lost, True, True):
            self.report(heard)

    @rule(heard=st.booleans())
    def reports(self, heard: bool) -> None:
        self.report(heard)

    @rule(heard=st.booleans())
    def introduces_itself(self, heard: bool) -> None:
        self.say(self.status(), heard)

    @rule(chance=st.randoms(use_true_random=False))
    def somebody_else_sends(self, chance: Any) -> None:
        """Frames from before, whole and altered. A store may not know that it has had the former: it was put
        back, or the disk was full. They change nothing, and nobody is answered for the latter."""
        if self.node.frames:
            frame = bytearray(chance.choice(self.node.frames))
            self.runner.run(self.bench.take(bytes(frame)))
            frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
            assert self.runner.run(self.bench.take(bytes(frame))) == []

    @rule()
    def the_gateway_restarts(self) -> None:
        self.full = False
        self.restarted()

    @precondition(lambda self: not self.full)
    @rule(room=st.integers(0, 2), count=st.integers(1, 16))
    def the_disk_gets_full(self, room: int, count: int) -> None:
        self.full = True
        self.runner.run(
            self.bench.store.perform(lambda db: self.limit(db, int(db.pragma("page_count")) + room))
        )
        self.all_is_well(count, lost=False)

    @precondition(lambda self: self.full)
    @rule()
    def there_is_room_again(self) -> None:
        self.full = False
        self.runner.run(self.bench.store.perform(lambda db: self.limit(db, PLENTY)))

    @staticmethod
    def limit(db: Any, pages: int) -> None:
        db.pragma("max_page_count", pages)

    @rule()
    def the_node_loses_its_counters(self) -> None:
        self.node.begin(self.node.life + 1)
        self.introduced, self.store_id = False, b""

    @rule()
    def the_node_is_formatted(self) -> None:
        """Another ring, whose short form comes round."""
        self.epochs += 1
        self.node.epoch = 0x1111_0000 + 0x100 * self.epochs + self.epochs % 2
        self.new_ring()

    @rule()
    def the_node_gets_another_key(self) -> None:
        self.keys += 1
        self.root = bytes([self.keys]) * 16
        self.full = False
        self.restarted()
        old, self.node = self.node, TalkingNode(NODE, key=self.root, epoch=self.node.epoch)
        self.node.frames = old.frames[-20:]
        self.introduced, self.store_id = False, b""

    @rule(by_hand=st.booleans(), counts=st.lists(st.integers(1, 16), max_size=3))
    def an_old_backup_is_put_back(self, by_hand: bool, counts: list[int]) -> None:
        """What came after it is in the node's flash, or gone."""
        store, backup = self.folder / "store.db", self.folder / "backup.db"
        self.runner.run(self.bench.store.close())
        shutil.copy(store, backup)
        self.full = False
        self.restarted()
        backed_up = set(self.kept)
        for count in counts:
            self.all_is_well(count, lost=False)
        self.runner.run(self.bench.store.close())
        shutil.copy(backup, store)
        if not by_hand:
            opened = open_database(store, lambda: 5)
            renew(opened.db)
            opened.db.close()
        self.restarted()
        self.kept = backed_up

    # What has to hold

    @invariant()
    def what_was_acknowledged_is_there_once_and_as_it_was(self) -> None:
        found = [((r.epoch, r.seq), r.values[0]) for r in self.bench.store.after(0, 100_000)]
        stored = dict(found)
        assert len(stored) == len(found), "twice"
        assert self.kept <= stored.keys(), "acknowledged, and not there"
        assert all(self.measured[key] == value for key, value in stored.items())

    def come_to_an_end(self) -> None:
        """With everything well again, all that is in the node's memory gets through, and it is told so."""
        if self.full:
            self.there_is_room_again()
        self.say(self.status())
        for _ in range(4 * RING):
            if self.introduced and not self.waiting():
                break
            self.report()
        assert self.introduced
        assert not self.waiting()
        assert {(self.node.epoch, seq) for seq in self.ring} <= self.kept
        self.say(self.status())
        assert self.told >= set(range(self.next)), "neither stored nor known to be lost"


Life.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None, derandomize=True)
TestLife = Life.TestCase
