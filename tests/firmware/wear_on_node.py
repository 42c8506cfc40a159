# Runs in MicroPython: a node of a real profile writes for thousands of wakes (or minutes, on mains) on a file
# system as large as a board's, and each block's erases are counted. Prints one JSON object: see wear.py.
import json
import random
import sys

HERE = sys.path[0]
import power_cuts_on_node as life  # noqa: E402

sys.path[:] = [path for path in sys.path if path != HERE]
BLOCKS = 512
PROGRAM_BLOCKS = 60  # two versions of the firmware, which nothing moves


class CountingFlash(life.Flash):
    def __init__(self):
        super().__init__(bytearray(b"\xff" * (BLOCKS * life.BLOCK)))
        self.erases = [0] * BLOCKS
        self.written = 0

    def _operate(self, at, new):
        if len(new) == life.BLOCK and at % life.BLOCK == 0 and new[0] == 0xFF:
            self.erases[at // life.BLOCK] += 1
        else:
            self.written += len(new)
        self.content[at : at + len(new)] = new


class Channels:
    """Values that wander as a profile's do; registers come once an hour."""

    def __init__(self, quantities, per_hour):
        self._quantities = quantities
        self._per_hour = per_hour
        self._values = [5000] * len(quantities)
        self._n = 0

    def attach(self, hardware, channels):
        return self

    def read(self):
        self._n += 1
        found = []
        for i, quantity in enumerate(self._quantities):
            register = quantity in (13, 14)
            self._values[i] += random.randint(0, 300) if register else random.randint(-9, 9)
            if register and self._n % self._per_hour:
                found.append((None, 1))
            else:
                found.append((max(self._values[i], 0), 0))
        return found


def main(settings, count):
    random.seed(1)
    channels = settings["channels"]
    quantities = tuple([channel["quantity"] for channel in channels])
    for channel in channels:
        channel.update({"driver": "steady", "bus": 0})
    settings.update(
        {"carrier": {"kind": "test"}, "sensor_power": None, "warmup_ms": 0, "button": None, "led": None}
    )
    sensor = Channels(quantities, 3600 // settings["interval_s"])
    life.drivers.steady = sys.modules["drivers.steady"] = sensor
    life.QUANTITIES = quantities
    life.SCHEMA = settings["schema"]
    flash = CountingFlash()
    life.vfs.VfsLfs2.mkfs(flash)
    life.mount(flash)
    for i in range(PROGRAM_BLOCKS):
        with open("/program%d" % i, "wb") as f:
            f.write(bytes(life.BLOCK - 64))
    with open("/settings.json", "w") as f:
        f.write(json.dumps(settings))
    with open("/key.hex", "w") as f:
        f.write("".join(["%02x" % b for b in life.KEY]))
    life.GATEWAY = life.Gateway(lambda: random.random() < 0.02)
    began_ms = life.TIME.now_ms
    if settings["power"] == "battery":
        flash.erases = [0] * BLOCKS
        for n in range(count):
            life.wake(n == 0)
            forget()
    else:
        minutes(settings, flash, count)
    state = life.retained.unpack(life.MACHINE.memory)
    print(
        json.dumps(
            {
                "seconds": (life.TIME.now_ms - began_ms) // 1000,
                "records": state.next_seq,
                "held": state.next_seq - state.oldest,
                "erases": sum(flash.erases),
                "worst": max(flash.erases),
                "bytes_written": flash.written,
            }
        )
    )  # fmt: skip


def minutes(settings, flash, count):
    """What node.mains does to flash: a batch is written, then told."""
    made = []
    life.node.mains.run = lambda node: made.append(node)
    life.app.main(life.MACHINE)
    (one,) = made
    flash.erases = [0] * BLOCKS
    batch = settings["batch_s"] // settings["interval_s"]
    ledger = life.node.mains.Ledger(one) if "archive" in settings else None
    for _ in range(count):
        rows = []
        for _ in range(batch):
            life.TIME.now_ms += settings["interval_s"] * 1000
            rows.append(one.sample()[0])
            if ledger:
                ledger.look(rows[-1])
        one.backlog.append(rows)
        if ledger:
            ledger.keep(rows)
        one.done()
        carrier = life.Carrier()
        talk = one.talk(carrier)
        try:
            wait_ms = next(talk)
            while True:
                wait_ms = talk.send(carrier.receive(wait_ms))
        except StopIteration as ended:
            one.told(ended.value)
        one.remember()
        forget()


def forget():
    """What the checks of power cuts keep in mind is of no use here, and of months of wakes too much."""
    del life.APPENDED[:], life.ATTEMPTS[:], life.GATEWAY.counters[:-1], life.GATEWAY.marks[:]
    del life.GATEWAY.statuses[:]
    life.GATEWAY.stored = {}


main(json.loads(sys.stdin.read()), int(sys.argv[1]))
