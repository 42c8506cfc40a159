# Runs in MicroPython: a node's own code takes updates, one after the other, on a flash that keeps a journal
# of its operations; then, for each operation, the power is cut there and the node starts on what is left.
# What it prints at the end is one JSON object: see update_cuts.py.
import json
import random
import sys

from flash_on_node import BLOCK, Flash, cut_each

sys.path.pop(0)  # the folder of this script has a `node` of its own

import hashlib
import os

import vfs


class Stock:
    """esp32, where MicroPython was built without rollback."""

    class Partition:
        @classmethod
        def mark_app_valid_cancel_rollback(cls):
            raise OSError(-261)


sys.modules["esp32"] = Stock
import slots  # noqa: E402
from node import bundle  # noqa: E402

INSTALLED = b"the installed program " * 40
FLASH = None


class Program:
    """One version: its files, its bundle, its manifest."""

    def __init__(self, number):
        size = (30, 700, 5000, 9000)
        noise = [bytes([random.getrandbits(8) for _ in range(n)]) for n in size]
        self.number = number
        self.files = {"node/part%d.mpy" % i: content for i, content in enumerate(noise)}
        parts = b""
        for name, content in self.files.items():
            parts += bytes((len(name),)) + name.encode() + len(content).to_bytes(4, "little") + content
        self.bundle = parts
        digest = "".join(["%02x" % b for b in hashlib.sha256(parts).digest()])
        self.manifest = {"number": number, "size": len(parts), "sha256": digest}

    def piece(self, n):
        return self.bundle[n * bundle.PIECE : (n + 1) * bundle.PIECE]


def mount(content):
    global FLASH
    FLASH = Flash(content)
    vfs.mount(vfs.VfsLfs2(FLASH), "/")


def start():
    """A reset: what main.py does before anything else."""
    slots.running, slots.trial, slots.reverted = "-", False, False
    path = list(sys.path)
    slots.choose()
    sys.path[:] = path


def take(program):
    """What offers.look does with an offer it may take."""
    manifest = program.manifest
    bundle.tidy(manifest)
    while bundle.held(manifest) < bundle.pieces(manifest):
        assert bundle.receive(manifest, program.piece)
    bundle.compare(manifest, lambda: None)
    slot = slots.spare()
    if BROKEN == "early":
        slots.try_out(slot, program.number)
    bundle.unpack(manifest, slot, lambda: None)
    if BROKEN != "early":
        slots.try_out(slot, program.number)


def live(programs):
    """Take each program in turn, start it and let it prove itself; goes on wherever it was cut off."""
    start()
    for program in programs:
        if slots.load().number >= program.number:
            continue
        if not (slots.trial and slots.load().trying == program.number):
            take(program)
            start()
        slots.confirm()
        MARKS.append((len(FLASH.journal), program.number))


def content_of(path):
    with open(path, "rb") as f:
        return f.read()


def whole(slot, number):
    """Raise AssertionError where the program in `slot` is not that version, byte for byte."""
    if slot == "-":
        assert content_of("/lib/program.mpy") == INSTALLED, "the installed program was touched"
        return
    (program,) = [p for p in PROGRAMS if p.number == number]
    for name, content in program.files.items():
        try:
            found = content_of("/%s/%s" % (slot, name))
        except OSError:
            raise AssertionError("slot %s of %d lacks %s" % (slot, number, name))
        assert found == content, "%s of %d is not whole" % (name, number)


def check(content, done, again):
    """The power went after `done` operations."""
    confirmed = max([number for at, number in MARKS[:KNOWN] if at <= done] + [0])
    mount(content)
    start()
    found = slots.load()
    assert found.number >= confirmed, "the number fell from %d to %d" % (confirmed, found.number)
    whole(found.use, found.number)
    whole(slots.running, found.trying if slots.trial else found.number)
    whole("-", 0)
    before = bytearray(content) if again else None
    journal = len(FLASH.journal)
    live(PROGRAMS)
    found = slots.load()
    assert (found.number, found.trial) == (PROGRAMS[-1].number, "-"), "the update did not come to its end"
    whole(found.use, found.number)
    left = [name for name in os.listdir("/") if name.startswith("update.")]
    assert not left, "a bundle was left behind: %r" % left
    operations = FLASH.journal[journal:]
    vfs.umount("/")
    if again and operations:
        for at, new in operations[: random.randrange(len(operations))]:
            before[at : at + len(new)] = new
        check(before, done, False)


def forget():
    del MARKS[KNOWN:]


def main(seed, share, blocks):
    global PROGRAMS, KNOWN
    random.seed(seed)
    PROGRAMS = [Program(2), Program(3), Program(4)]
    flash = Flash(bytearray(b"\xff" * (blocks * BLOCK)))
    vfs.VfsLfs2.mkfs(flash)
    mount(flash.content)
    os.mkdir("/lib")
    with open("/lib/program.mpy", "wb") as f:
        f.write(INSTALLED)
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
KNOWN = 0
PROGRAMS = []
BROKEN = sys.argv[3] if len(sys.argv) > 3 else ""
if BROKEN == "inplace":
    slots.spare = lambda: "a"
main(int(sys.argv[1]), float(sys.argv[2]), 64)
