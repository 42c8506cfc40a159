# Runs in MicroPython: a node's archive and the events of its registers are written over many hours on a flash
# that keeps a journal; then, for each operation, whole and torn, the power is cut there and the node has to
# go on with what is left. Prints one JSON object: see archive_cuts.py.
import json
import sys

HERE = sys.path[0]
import power_cuts_on_node as life  # noqa: E402
from flash_on_node import cut_each  # noqa: E402

sys.path[:] = [path for path in sys.path if path != HERE]
from node import archive, registers  # noqa: E402

POSITIONS = (0, 2)
SEGMENTS = 4
START = 1767225600
EVENT_EVERY = 9
archive.SEGMENT_BYTES = 120  # many segments in few hours


def opened():
    made, events = archive.Archive(7, 3, POSITIONS, SEGMENTS), registers.Events()
    made.recover()
    events.recover()
    return made, events


def written(made, events, n, done):
    """One hour: an event now and then, then its registers; `done` gets what is safe by now."""
    if n % EVENT_EVERY == 0:
        event = [START + 3600 * n, 0, 1, None, b"mark", [[0, n, n + 1]]]
        events.add([event])
        done.append((len(life.FLASH.journal), "event", event))
    row = (START + 3600 * n, None, (500 * n, 17, 70 * n * n), (0, 0, 0))
    made.append([row, row], b"mark" if n % 20 else b"next")
    done.append((len(life.FLASH.journal), "hour", (row[0], row[2][0], row[2][2])))


def held():
    """Every hour in flash, in order."""
    made = archive.Archive(7, 3, POSITIONS, SEGMENTS)
    found = []
    for number in made._numbers():
        with open(made._path(number), "rb") as f:
            raw = f.read()
        at = len(made._head)
        if raw[:at] == made._head:
            point = archive._Point(len(POSITIONS))
            for _ in archive.entries(raw, at, number, point):
                found.append((point.time, point.values[0], point.values[1]))
    return found


def check(content, safe, everything):
    life.mount(life.Flash(content))
    made, events = opened()
    hours = [entry for _, kind, entry in safe if kind == "hour"]
    told = [entry for _, kind, entry in safe if kind == "event"]
    now = held()
    missing = [entry for entry in hours if entry not in now and now and entry[0] >= now[0][0]]
    assert not missing, "hours are missing: %r" % missing
    assert [entry for entry in now if entry not in everything] == [], "hours that were never written"
    assert len(now) == len(set(now)), "an hour twice"
    assert len(now) >= min(len(hours), 3 * 8), "more than a segment was dropped: %d" % len(now)
    kept = [event for event in events.kept if event[0] <= (told[-1][0] if told else 0)]
    assert kept[-3:] == told[-3:], "events are missing"
    last = (now[-1][0] - START) // 3600 + 1 if now else 0
    if now:
        assert made.known[0] == now[-1][1] and made.known[2] == now[-1][2], "not what was shown last"
    written(made, events, last, [])
    assert held()[-1][0] == START + 3600 * last, "it does not go on"
    life.vfs.umount("/")


def main(count):
    flash = life.Flash(bytearray(b"\xff" * (64 * life.BLOCK)))
    life.vfs.VfsLfs2.mkfs(flash)
    life.mount(flash)
    content = bytearray(flash.content)
    flash.journal = []
    done: "list" = []
    made, events = opened()
    for n in range(count):
        if n % 13 == 0:
            made, events = opened()  # a start in between
        written(made, events, n, done)
    life.vfs.umount("/")
    everything = [entry for _, kind, entry in done if kind == "hour"]
    cuts, told = cut_each(
        flash.journal,
        content,
        1.0,
        lambda left, number: check(left, [mark for mark in done if mark[0] <= number], everything),
    )
    print(
        json.dumps(
            {
                "hours": count,
                "operations": len(flash.journal),
                "cuts": cuts,
                "failures": told,
            }
        )
    )  # fmt: skip


def break_it(how):
    """Deliberately wrong firmware, which the checks have to find out."""
    if how == "end":  # of the newest segment: taken to be its head's
        recover = archive.Archive.recover

        def mistaken(self):
            recover(self)
            self._size = len(self._head)

        archive.Archive.recover = mistaken
    elif how == "events":  # in place of the file that is there

        def add(self, found):
            registers.os.remove(self._path) if self.kept else None
            self.kept = (self.kept + found)[-4:]
            raw = registers.control.encode({registers.control.REGISTERS: self.kept})
            with open(self._path, "wb") as f:
                f.write(raw + registers.struct.pack("<I", registers.crc32(raw)))

        registers.Events.add = add


if __name__ == "__main__":
    break_it(sys.argv[2] if len(sys.argv) > 2 else "")
    main(int(sys.argv[1]))
