# Runs in MicroPython: the node's own files live through many wakes on a flash that keeps a journal of its
# operations; then, for each operation, the power is cut there and the node has to start on what is left.
# Whatever was in RTC memory is gone then. What it prints at the end is one JSON object: see power_cuts.py.
import json
import os
import random
import sys

from flash_on_node import BLOCK, Flash, cut_each

HERE = sys.path.pop(0)  # the folder of this script has a `node` of its own

INTERVAL_S = 600
CHANNELS = 3
KEY = bytes(range(16))
NODE = 11


class Time:
    """The time module of a node whose seconds pass only when a test says so."""

    now_ms = 1000

    def time_ns(self):
        return self.now_ms * 1000000

    def gmtime(self, s=0):
        return (2000, 1, 1, 0, 0, 0, 5, 1)

    def ticks_ms(self):
        return self.now_ms & 0x3FFFFFFF

    def ticks_add(self, a, b):
        return a + b & 0x3FFFFFFF

    def ticks_diff(self, a, b):
        return (a - b + 0x20000000 & 0x3FFFFFFF) - 0x20000000

    def sleep_ms(self, ms):
        self.now_ms += ms


class Machine:
    """What is left of the machine module where chips and carrier are not of interest."""

    memory = b""
    cause = 1

    def RTC(self):
        return self

    def reset_cause(self):
        return self.cause

    def wake_reason(self):
        return 4 if self.cause == 4 else 0

    def feed(self):
        pass


class Nvs:
    """What the node keeps outside its file system; a start on another flash finds it empty."""

    held: "dict" = {}

    def __init__(self, name):
        pass

    def get_blob(self, key, raw):
        if key not in self.held:
            raise OSError(-0x1102)
        raw[:] = self.held[key]

    def set_blob(self, key, value):
        self.held[key] = bytes(value)

    def get_i32(self, key):
        if key not in self.held:
            raise OSError(-0x1102)
        return self.held[key]

    def set_i32(self, key, value):
        self.held[key] = value

    def erase_key(self, key):
        if self.held.pop(key, None) is None:
            raise OSError(-0x1102)

    def commit(self):
        pass


class RtcMemory:
    def memory(self, content=None):
        if content is None:
            return MACHINE.memory
        MACHINE.memory = bytes(content)


class Sensor:
    """A driver that makes a value of its own for each reading."""

    readings = 0

    def attach(self, hardware, channels):
        return self

    def read(self):
        self.readings += 1
        n = self.readings
        return [(n & 0x7FFF, 0), (n * 7 & 0x7FFF, 0), (n % 50 * 13, 0) if n % 9 else (None, 2)]


class Gateway:
    """Three lines of a gateway: registers epochs, keeps what it can open, acknowledges or is silent."""

    def __init__(self, deaf):
        self.deaf = deaf
        self.cipher = seal.uplink_cipher(KEY)
        self.down = seal.downlink_cipher(KEY, b"GATE", b"storeids")
        self.sent = 0
        self.counters = []
        self.marks = []  # (operations of the flash so far, counter)
        self.statuses = []
        self.stored = {}
        self.inbox = []

    def say(self, kind, clear, body):
        self.sent += 1
        header = frame.pack_header(kind, 0, NODE, self.sent) + clear
        self.inbox.append(self.down.seal(header, control.encode(body)))

    def hear(self, raw):
        header = frame.parse_header(raw)
        if header.counter in self.counters[-2000:]:
            raise AssertionError("counter %d used twice" % header.counter)
        self.counters.append(header.counter)
        self.marks.append((len(FLASH.journal), header.counter))
        plain = self.cipher.open(raw)
        silent = self.deaf()
        if header.type == frame.CONTROL:
            body = control.decode(plain)
            self.statuses.append(body)
            if not silent:
                told = {control.TIME: [header.counter, 1700000000000 + TIME.now_ms]}
                self.say(frame.WELCOME, b"GATE" + b"storeids", told)
                self.say(frame.CONTROL, b"", {control.EPOCH_OK: body[control.EPOCH]})
            return
        batch = records.decode(header.flags, plain, {SCHEMA: QUANTITIES})
        for record in batch.records:
            old = self.stored.setdefault((batch.epoch, record.seq), record.values)
            if old != record.values:
                raise AssertionError("sequence %d names two records" % record.seq)
        if not silent:
            first, last = batch.records[0].seq, batch.records[-1].seq
            self.say(frame.CONTROL, b"", {control.ACK: [batch.epoch, 0, [first, last]]})


class Carrier:
    frame_max = 222

    def open(self):
        pass

    def close(self):
        pass

    def send(self, raw):
        GATEWAY.hear(raw)

    def receive(self, wait_ms):
        if GATEWAY.inbox:
            return GATEWAY.inbox.pop(0)
        TIME.now_ms += wait_ms


TIME, MACHINE, SENSOR = Time(), Machine(), Sensor()
MACHINE.RTC = RtcMemory
MACHINE.NVS = Nvs
sys.modules["time"] = TIME
sys.modules["machine"] = MACHINE
sys.modules["esp32"] = MACHINE
drivers = __import__("drivers")
drivers.steady = SENSOR
sys.modules["drivers.steady"] = SENSOR

import vfs  # noqa: E402

# Whatever a node loads on its way has to be loaded before its flash takes the place of the host's files.
for folder in [path for path in sys.path if path.endswith("firmware/lib")]:
    for name in sorted(os.listdir(folder + "/node")):
        try:
            __import__("node." + name.split(".")[0])
        except ImportError:
            pass  # it needs the network

import node.battery  # noqa: E402
from node import app, backlog, identity, retained  # noqa: E402
from wire import control, frame, records, seal  # noqa: E402

QUANTITIES = (1, 1, 2)
SCHEMA = 1
SETTINGS = {
    "node": NODE, "site": "here", "schema": 1, "power": "battery", "interval_s": INTERVAL_S, "warmup_ms": 0,
    "sensor_power": None, "backlog_segments": 5, "segment_bytes": 300, "carrier": {"kind": "test"},
    "channels": [
        {"name": str(i), "quantity": q, "driver": "steady", "bus": 0} for i, q in enumerate(QUANTITIES)
    ],
}  # fmt: skip

app.GARBAGE = -1  # the heap here is that of a flash, not of a node
app.forget = lambda names: None  # and what is loaded can not be loaded again from it
app.log = lambda *words: None
node.battery.log = app.log
app.Node.carrier = lambda self, urgent=False: Carrier()
GATEWAY = None
APPENDED = []  # (operations so far, sequence, values, first sequences of the segments then)
_append = backlog.Backlog.append


def append(self, rows):
    first = self._state.next_seq
    ATTEMPTS.append((first, rows[0][2]))
    last = _append(self, rows)
    APPENDED.append((len(FLASH.journal), last, rows[0][2], self._firsts()))
    return last


ATTEMPTS = []
FLASH = None
backlog.Backlog.append = append


def mount(flash):
    global FLASH
    if FLASH is None or FLASH.content is not flash.content:
        Nvs.held.clear()
    FLASH = flash
    vfs.mount(vfs.VfsLfs2(flash), "/")


def wake(cold):
    if cold:
        MACHINE.memory = b""
    MACHINE.cause = 1 if cold else 4
    slept = app.main(MACHINE)
    TIME.now_ms += slept if slept else INTERVAL_S * 1000


def ring():
    """What the ring on the mounted flash holds: [(sequence, values)], read by a node that starts cold."""
    state = retained.Retained()
    log = backlog.Backlog(state, CHANNELS, 5, 300)
    log.recover(lambda n: b"\xee" * n)
    return state, [(record.seq, record.values) for record, _ in log.read(0, 1 << 31)]


def live(wakes, blocks):
    """The wakes themselves; returns the flash before them, its journal, the gateway's marks and the epoch."""
    global GATEWAY
    flash = Flash(bytearray(b"\xff" * (blocks * BLOCK)))
    vfs.VfsLfs2.mkfs(flash)
    mount(flash)
    with open("/settings.json", "w") as f:
        f.write(json.dumps(SETTINGS))
    with open("/key.hex", "w") as f:
        f.write("".join(["%02x" % b for b in KEY]))
    start = bytearray(flash.content)
    flash.journal = []
    GATEWAY = Gateway(lambda: random.random() < 0.1)
    for n in range(wakes):
        wake(n == 0 or random.random() < 0.04)
    epoch = GATEWAY.statuses[0][control.EPOCH]
    for status in GATEWAY.statuses:
        assert status[control.EPOCH] == epoch, "the epoch changed without a cut"
    vfs.umount("/")
    return start, flash.journal, GATEWAY.marks, epoch


def apply(content, at, new):
    content[at : at + len(new)] = new


def check(content, done, marks, epoch, again):
    """The power went after `done` operations: start on `content`; `again`: and lose it in that start too."""
    global GATEWAY
    kept = [mark for mark in APPENDED if mark[0] <= done]
    writing = ATTEMPTS[len(kept) :][:1]
    counters = [counter for at, counter in marks if at <= done]
    known = len(ATTEMPTS)
    if again:
        GATEWAY = Gateway(lambda: True)
        first = Flash(bytearray(content))
        mount(first)
        wake(True)
        vfs.umount("/")
        done = random.randint(0, len(first.journal))
        for at, new in first.journal[:done]:
            apply(content, at, new)
        counters += [counter for at, counter in GATEWAY.marks if at <= done]
        before = len(kept)
        kept += [mark for mark in APPENDED[len(APPENDED) - 1 :] if len(ATTEMPTS) > known and mark[0] <= done]
        if not before:
            epoch = GATEWAY.statuses[0][control.EPOCH]
    counter = max(counters or [-1])
    GATEWAY = Gateway(lambda: True)
    flash = Flash(content)
    mount(flash)
    wake(True)
    state, found = ring()
    vfs.umount("/")
    assert GATEWAY.counters, "nothing was sent"
    assert min(GATEWAY.counters) > counter, "counter %d reused" % min(GATEWAY.counters)
    if kept:
        assert state.epoch == epoch, "another epoch"
    seqs = [seq for seq, _ in found]
    assert len(set(seqs)) == len(seqs), "a sequence twice"
    held = dict(found)
    fresh = [values for seq, values in ATTEMPTS[known:]]
    truth = {mark[1]: mark[2] for mark in kept}
    oldest = min(seqs)
    if kept:
        assert oldest <= kept[-1][3][: 4 if again else 3][-1], "more than a segment was dropped"
    for seq, values in truth.items():
        if seq >= oldest:
            assert held.get(seq) == values, "record %d is missing or wrong" % seq
    extra = [(seq, values) for seq, values in found if seq not in truth]
    for seq, values in extra:
        if (seq, values) not in writing:  # that one may or may not have come through
            assert not truth or seq > max(truth), "sequence %d was used before" % seq
            assert values in fresh, "record %d was never measured" % seq
    assert held[seqs[-1]] == ATTEMPTS[-1][1], "the newest record is not in the ring"


def main(wakes, seed, share, blocks):
    random.seed(seed)
    content, journal, marks, epoch = live(wakes, blocks)
    kept, known = len(APPENDED), len(ATTEMPTS)

    def forget():
        del ATTEMPTS[known:], APPENDED[kept:]

    cuts, told = cut_each(
        journal,
        content,
        share,
        lambda left, done: check(left, done, marks, epoch, random.random() < 0.25),
        forget,
    )
    found = {"wakes": wakes, "operations": len(journal), "cuts": cuts, "failures": told, "records": kept}
    print(json.dumps(found))


def break_it(how):
    """Deliberately wrong firmware, which the checks have to find out."""
    if how == "counter":  # reserved in RTC memory only
        pack = identity.Identity.pack

        def forgetful(self):
            reserved, self.reserved = self.reserved, 0
            raw = pack(self)
            self.reserved = reserved
            return raw

        identity.Identity.pack = forgetful
    elif how == "late":  # in flash at the end of the wake, when they have long been used
        save, remember, late = identity.Identity.save, app.Node.remember, []

        def remember_and_save(self):
            remember(self)
            while late:
                save(late.pop())

        identity.Identity.save = lambda me: late.append(me)
        app.Node.remember = remember_and_save


if __name__ == "__main__":
    break_it(sys.argv[4] if len(sys.argv) > 4 else "")
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), 96)
