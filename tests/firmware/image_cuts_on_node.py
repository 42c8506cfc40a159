# Runs in MicroPython: a node's own code takes full images, one after the other, on a flash that keeps a
# journal of its operations, file system and partitions alike; then, for each operation, the power is cut
# there and the node starts on what is left. What it prints at the end is one JSON object: see image_cuts.py.
import json
import random
import sys

from flash_on_node import BLOCK, Flash, cut_each

sys.path.pop(0)  # the folder of this script has a `node` of its own

import hashlib

import vfs

SHIMS = sys.argv[4]
sys.path.insert(0, SHIMS)
from _partitions import Table, partition_of  # noqa: E402

sys.path.pop(0)

FILES, SIZE = 64, 6  # blocks of the file system, and of each partition
LAYOUT = [("ota_0", FILES, SIZE), ("ota_1", FILES + SIZE, SIZE)]
OTADATA = FILES + 2 * SIZE


class Module:
    pass


class Reset(Exception):
    pass


class Files(Flash):
    """The file system's share of the flash."""

    def ioctl(self, op, arg):
        return FILES if op == 4 else Flash.ioctl(self, op, arg)


def reset():
    raise Reset


esp32, machine = Module(), Module()
machine.reset = reset
sys.modules["esp32"], sys.modules["machine"] = esp32, machine
esp32.Partition = partition_of(Table(None, LAYOUT))

import slots  # noqa: E402
from node import bundle, image  # noqa: E402


class Program:
    """One image: its bytes and its manifest. It runs well, or never starts, or is never heard."""

    def __init__(self, number, fate="well"):
        size = random.randrange(2 * BLOCK, SIZE * BLOCK - 100)
        self.content = b"\xe9" + bytes([random.getrandbits(8) for _ in range(size)])
        self.number, self.fate = number, fate
        digest = "".join(["%02x" % b for b in hashlib.sha256(self.content).digest()])
        self.manifest = {"number": number, "size": len(self.content), "sha256": digest, "full": True}

    def piece(self, n):
        return self.content[n * bundle.PIECE : (n + 1) * bundle.PIECE]


def mount(content):
    global FLASH, TABLE
    FLASH = Files(content)
    vfs.mount(vfs.VfsLfs2(FLASH), "/")
    TABLE = Table(FLASH, LAYOUT, OTADATA)
    esp32.Partition = partition_of(TABLE)
    image.Partition = esp32.Partition


def program_of(place):
    """Return the image that is whole in a partition. Raises AssertionError."""
    at = place[1] * BLOCK
    for program in ALL:
        if FLASH.content[at : at + len(program.content)] == program.content:
            return program
    raise AssertionError("what starts in %s is not whole" % place[0])


def start():
    """Power on: the bootloader, then what main.py does before anything else. Returns the image that runs."""
    for _ in range(20):
        TABLE.boot()
        program = program_of(TABLE.running)
        if program.fate == "dead":
            continue  # its watchdog bites in the bootloader's sight
        slots.running, slots.trial, slots.reverted = "-", False, False
        try:
            slots.choose()
        except Reset:
            continue
        return program
    raise AssertionError("it never comes to rest")


def take(program):
    """What offers.look does with an offer it may take."""
    manifest = program.manifest
    bundle.tidy(manifest)
    while image.held(manifest) < bundle.pieces(manifest):
        assert image.receive(manifest, program.piece)
    image.compare(manifest, lambda: None)
    image.launch(manifest, lambda: None)


def live(programs):
    """Take each image in turn; goes on wherever it was cut off. Raises AssertionError."""
    runs = start()
    for _ in range(60):
        if slots.trial and runs.fate == "well":
            slots.confirm()
            MARKS.append((len(FLASH.journal), runs.number))
        found = slots.load()
        waiting = [p for p in programs if p.number > found.number and p.number not in GIVEN_UP]
        if not waiting:
            return
        if not slots.trial:
            if found.bad == waiting[0].number:
                GIVEN_UP.append(waiting[0].number)
                continue
            try:
                take(waiting[0])
            except image.Refused as refused:
                assert "came back" in str(refused), str(refused)
        runs = start()
    raise AssertionError("the updates never come to their end")


def check(content, done, again):
    """The power went after `done` operations."""
    confirmed = max([number for at, number in MARKS[:KNOWN] if at <= done] + [0])
    mount(content)
    runs = start()
    found = slots.load()
    assert found.number >= confirmed, "the number fell from %d to %d" % (confirmed, found.number)
    if not slots.trial:
        assert runs.number >= confirmed, "%d runs, %d was confirmed" % (runs.number, confirmed)
    before = bytearray(content) if again else None
    journal = len(FLASH.journal)
    del GIVEN_UP[:]
    live(PROGRAMS)
    runs = start()
    found = slots.load()
    assert (runs.number, found.number) == (LAST, LAST), "%d runs in the end" % runs.number
    operations = FLASH.journal[journal:]
    vfs.umount("/")
    if again and operations:
        for at, new in operations[: random.randrange(len(operations))]:
            before[at : at + len(new)] = new
        check(before, done, False)


def forget():
    del MARKS[KNOWN:]


def main(seed, share):
    global PROGRAMS, ALL, KNOWN, LAST
    random.seed(seed)
    first = Program(1)
    PROGRAMS = [Program(2), Program(3, "dead"), Program(4, "unheard"), Program(5)]
    ALL, LAST = [first] + PROGRAMS, 5
    flash = Files(bytearray(b"\xff" * ((OTADATA + 2) * BLOCK)))
    vfs.VfsLfs2.mkfs(flash)
    flash.content[FILES * BLOCK : FILES * BLOCK + len(first.content)] = first.content
    mount(flash.content)
    content = bytearray(FLASH.content)
    FLASH.journal = []
    live(PROGRAMS)
    journal = FLASH.journal
    KNOWN = len(MARKS)
    vfs.umount("/")
    cuts, told = cut_each(
        journal, content, share, lambda left, done: check(left, done, random.random() < 0.2), forget
    )
    print(json.dumps({"operations": len(journal), "cuts": cuts, "failures": told}))


MARKS = []  # (operations so far, number confirmed)
GIVEN_UP = []
KNOWN = 0
BROKEN = sys.argv[3]
if BROKEN == "running":
    image.spare = lambda manifest: esp32.Partition(esp32.Partition.RUNNING)
if BROKEN == "unmarked":
    slots._call_valid = lambda: None
if BROKEN == "early":
    image.compare = lambda manifest, feed: None
    image.held = lambda manifest: bundle.pieces(manifest)
main(int(sys.argv[1]), float(sys.argv[2]))
