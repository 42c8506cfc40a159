"""Instructions of a virtual board's wake, counted by callgrind, stage by stage.

Every stage is a run of its own out of the same sleep, which ends where the stage does; differences between
them are what a part of the wake costs. A node on mains does not sleep: it is made to once, and then each run
does with one record what its tasks do with it in turn, after a minute of the meter's lists.

The first stage does nothing but start MicroPython and the board's shims, and is what the counts are held
against: a real chip has neither. The library is read from a folder of the host, since the board's flash is
driven by Python, which would be most of what is counted; an ESP32 reads its own in C.
"""

import re
from pathlib import Path

from tests.bench.figures import NotMeasured
from tests.firmware.lab import Lab
from tools.firmware_image import compiled

# Where each stage ends. `imported` has loaded every module of a wake, and those after it find them loaded.
# But for `sampled` they work on a row that is given: how often a driver looks for its sensor depends on the
# machine.
STAGES = ("nothing", "imported", "begun", "sampled", "stored", "encoded", "sealed", "sent")
PARTS = {
    "import": ("imported", "nothing"), "start": ("begun", "imported"), "sample": ("sampled", "begun"),
    "store": ("stored", "begun"), "encode": ("encoded", "stored"), "seal": ("sealed", "encoded"),
    "send": ("sent", "sealed"),
}  # fmt: skip

_MAIN = """
import machine, sys, vfs
watchdog = machine.WDT(timeout=600000)
STAGE = {stage!r}
vfs.mount(vfs.VfsPosix({library!r}), "/library")
sys.path[:] = ["", ".frozen", "/library"]

def end(*_, **__):
    machine.deepsleep(600000)

if STAGE == "nothing":
    end()
import node.app as app
for name in {modules!r}:
    __import__(name)
if STAGE == "imported":
    end()
import node.battery, node.backlog
from wire import seal
app.guard.safe = lambda starts: False  # a run that ends in its middle is a start without an end

class Nowhere:
    frame_max = 222
    def open(self):
        pass
    def close(self):
        pass
    send = receive = end

{life}
if STAGE != "sampled":
    row = (1767225600, None, {row!r}, {quality!r})
    app.Node.sample = lambda self: (row, False)
if STAGE in ("begun", "sampled"):
    node.backlog.Backlog.append = end
elif STAGE == "stored":
    node.battery._report = end
elif STAGE == "encoded":
    app.Node.carrier = lambda self, urgent=False: Nowhere()
    seal.Cipher.seal = end
elif STAGE == "sealed":
    app.Node.carrier = lambda self, urgent=False: Nowhere()
app.main(watchdog)
end()
"""
# Without its tasks, which would go on beside each other: what they take themselves is in count_minutes.
_ON_MAINS = """
import node.mains as mains
from time import sleep_ms
carrier_of = app.Node.carrier

def run(node):
    ledger = mains.Ledger(node)
    carrier = carrier_of(node)
    carrier.open()  # and kept open
    if STAGE == "sealed":
        carrier.send = end
    if STAGE == "begun":
        end()
    if STAGE == "sampled":
        for _ in range(20):
            sleep_ms(3000)
            node.sampler.poll()
        node.sample()
        end()
    rows = [row]
    ledger.look(row)
    node.backlog.append(rows)
    ledger.keep(rows)
    node.done()
    node.remember()
    if STAGE == "stored":
        end()
    talk = node.talk(carrier)
    wait_ms = next(talk)
    try:
        while True:
            wait_ms = talk.send(carrier.receive(wait_ms))
    except StopIteration:
        end()

mains.run = run
"""
_FIRST_LIFE = """
import machine, sys

def over(timer):
    print("modules", " ".join([n for n in sys.modules if n.split(".")[0] in ("node", "wire", "drivers")]))
    machine.deepsleep(600000)

machine.Timer(3).init(period=200000, mode=machine.Timer.ONE_SHOT, callback=over)
import node.app as app
app.main(machine.WDT(timeout=600000))
"""
_LIST_MODULES = """
import machine, sys
import node.app as app
sleep_ms = app.main(machine.WDT(timeout=600000))
print("modules", " ".join([n for n in sys.modules if n.split(".")[0] in ("node", "wire", "drivers")]))
machine.deepsleep(sleep_ms)
"""
_NO_RADIO = """
import machine, node.battery
import node.app as app
app.guard.safe = lambda starts: False
node.battery._report = lambda *_, **__: None
sleep_ms = app.main(machine.WDT(timeout=600000))
print("sleeps", sleep_ms)
machine.deepsleep(sleep_ms)
"""
_MINUTES = """
import machine
if not {minutes}:
    machine.deepsleep(0)
machine.Timer(3).init(
    period={minutes} * 60000, mode=machine.Timer.ONE_SHOT, callback=lambda timer: machine.deepsleep(0)
)
import node.app as app
app.main(machine.WDT(timeout=600000))
"""
_TOTAL = re.compile(r"^(?:summary|totals):\s*(\d+)", re.MULTILINE)


async def count(lab: Lab) -> dict[str, int]:
    """Instructions until the end of each stage, of a node that has been at work. Raises NotMeasured.

    Time stands still between the runs, so that all of them come out of the same sleep.
    """
    board = lab.board
    on_mains = lab.node.profile.power == "mains"
    if on_mains:
        board.change({"main.py": _FIRST_LIFE.encode()})
        await board.power_on()
        await board.until(lambda: board.asleep, 300)
        lab.clock.hold()
    else:
        await board.power_on()
        await lab.wakes(3)
        lab.clock.hold()
        board.change({"main.py": _LIST_MODULES.encode()})
        await _wake(lab)
    (line,) = [text for text in board.console.text().splitlines() if text.startswith("modules ")]
    modules = sorted(line.split()[1:])
    library = lab.folder / "library"
    for name, content in compiled().items():
        if name.startswith("lib/"):
            target = library / name.removeprefix("lib/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    newest = lab.flash()[-1]
    counts = {}
    for stage in STAGES:
        main = _MAIN.format(
            stage=stage,
            modules=modules,
            library=str(library),
            row=newest.values,
            quality=newest.quality,
            life=_ON_MAINS if on_mains else "",
        )
        board.change({"main.py": main.encode()})
        out = lab.folder / f"callgrind.{stage}"
        board.profile(("valgrind", "--vgdb=no", "--tool=callgrind", f"--callgrind-out-file={out}"))
        await _wake(lab)
        board.profile(())
        counts[stage] = _read(out)
    lab.clock.release()
    return counts


async def awake_ms(lab: Lab) -> int:
    """Milliseconds of virtual time until a wake's record is in flash: what its sensors keep it waiting."""
    board = lab.board
    lab.clock.hold()
    board.change({"main.py": _NO_RADIO.encode()})
    await _wake(lab)
    lab.clock.release()
    (line,) = [text for text in board.console.text().splitlines() if text.startswith("sleeps ")]
    return int(lab.settings["interval_s"]) * 1000 - int(line.split()[1])


async def count_minutes(lab: Lab) -> tuple[float, int]:
    """(instructions of a minute: polls, records, a batch, a conversation; those of an empty start).

    The difference of two lives of different length, which ends the cost of the start.
    """
    board = lab.board
    await board.power_on()
    await lab.clock.sleep(180)
    await board.power_cut()
    counts = []
    for minutes in (0, 2, 7):
        out = lab.folder / f"callgrind.{minutes}"
        board.change({"main.py": _MINUTES.format(minutes=minutes).encode()})
        board.profile(("valgrind", "--vgdb=no", "--tool=callgrind", f"--callgrind-out-file={out}"))
        await board.power_on()
        await board.until(lambda: board.asleep, 300)
        await board.power_cut()
        board.profile(())
        counts.append(_read(out))
    return (counts[2] - counts[1]) / 5, counts[0]


async def _wake(lab: Lab) -> None:
    """One wake, after which time stands still again."""
    wakes = lab.board.counts.wakes
    lab.clock.release()
    await lab.board.until(lambda: lab.board.counts.wakes > wakes and lab.board.asleep, 300)
    lab.clock.hold()


def _read(out: Path) -> int:
    found = _TOTAL.search(out.read_text()) if out.exists() else None
    if not found:
        raise NotMeasured(f"callgrind wrote no total to {out.name}")
    return int(found.group(1))
