"""Settings that have come are put in place at a start, whole or not at all, wherever the power goes."""

import hashlib
import json
from pathlib import Path

import pytest

from device_configs.compile import config_hash, settings_bytes
from gateway.changes import changes, digest
from gateway.outgoing import FOLDER
from node import adoption, incoming, settings
from wire import control

SNOW = 21
HERE = Path(__file__).parents[1]
OLD = {
    "node": 1, "schema": 2, "interval_s": 600, "power": "battery", "carrier": {}, "channels": [{}],
}  # fmt: skip
NEW = {**OLD, "interval_s": 300}


def raw(values):
    return json.dumps(values).encode()


@pytest.fixture
def files(tmp_path, monkeypatch):
    for module, name in ((settings, "PATH"), (settings, "GOOD"), (settings, "BAD"), (incoming, "PART")):
        monkeypatch.setattr(module, name, str(tmp_path / name))
    monkeypatch.setattr(adoption, "MADE", str(tmp_path / "MADE"))
    (tmp_path / "PATH").write_bytes(raw(OLD))
    return tmp_path


def arrive(files, content):
    (files / "PART").write_bytes(content)
    return digest(content)


@pytest.mark.parametrize("name", ["PATH", "GOOD"])
def test_changes_of_the_settings_in_use_make_the_new_ones(files, name):
    (files / "PATH").rename(files / name)
    adoption.put_in_place(arrive(files, changes(raw(OLD), raw(NEW))), True, 1)
    assert (files / "PATH").read_bytes() == raw(NEW)
    assert {path.name for path in files.iterdir()} == {"PATH", name}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (raw({**NEW, "node": 2}), "another node"),
        (raw({**NEW, "interval_s": 0}), "can not be"),
        (raw(NEW)[:-1], "delimiter"),
    ],
)
@pytest.mark.parametrize("as_changes", [False, True])
def test_what_the_node_could_not_use_is_put_aside_and_not_taken_again(files, content, why, as_changes):
    came = changes(raw(OLD), content) if as_changes else content
    with pytest.raises(ValueError, match=why):
        adoption.put_in_place(arrive(files, came), as_changes, 1)
    assert settings.load().values == OLD
    with pytest.raises(ValueError, match="given up before"):
        incoming.take(None, [digest(came), len(came), 0, came[:20]], as_changes)


def test_damaged_and_foreign_changes_leave_everything_as_it_was(files):
    with pytest.raises(ValueError, match="not what was meant"):
        adoption.put_in_place(b"else", False, 1)
    hash = arrive(files, raw(NEW))
    (files / "PART").write_bytes(raw(NEW)[:-3])
    with pytest.raises(ValueError, match="not what was meant"):
        adoption.put_in_place(hash, False, 1)
    with pytest.raises(ValueError, match="other settings"):
        adoption.put_in_place(arrive(files, changes(raw({}), raw(NEW))), True, 1)
    wrong = bytearray(changes(raw(OLD), raw(NEW)))
    wrong[4:8] = hashlib.sha256(b"something else").digest()[:4]
    with pytest.raises(ValueError, match="do not make"):
        adoption.put_in_place(arrive(files, bytes(wrong)), True, 1)
    assert (files / "PATH").read_bytes() == raw(OLD)
    assert not (files / "BAD").exists()


async def test_settings_refused_are_told_once_and_the_node_works_on(lab):
    lab = await lab(SNOW)
    await lab.board.power_on()
    await lab.asleep()
    old = lab.said()["config"]
    folder = lab.folder / "gateway" / FOLDER
    folder.mkdir()
    (folder / f"{SNOW}.json").write_bytes(settings_bytes({**lab.settings, "node": 99}))
    await lab.board.until(lambda: "settings refused: settings of another node" in lab.board.console.text())
    await lab.board.until(lambda: lab.said().get("counters", {}).get(str(control.REFUSED), 0) >= 2, 120)
    assert lab.board.console.text().count("settings refused") == 1  # then at their first piece
    assert lab.said()["config"] == old
    assert lab.said()["boot"][3] == 0  # the start that refused them was no failure
    await lab.asleep()
    await lab.caught_up()


# Run in MicroPython: `adopt` on a littlefs whose power goes at each operation
CUTS = """
import json, random, sys, vfs
HERE, OLD, CAME, HASH, CHANGES, BROKEN = {}
from flash_on_node import BLOCK, Flash, cut_each
sys.path.remove(HERE)  # it has a `node` of its own
from node import adoption, incoming, settings

random.seed(1)

def mount(content):
    global FLASH
    FLASH = Flash(content)
    vfs.mount(vfs.VfsLfs2(FLASH), "/")

def write(path, content):
    with open(path, "wb") as f:
        f.write(content)

def adopt():
    write(incoming.PART, CAME)
    adoption.put_in_place(HASH, CHANGES, 1)

if BROKEN:
    def replaced(path, to):
        adoption.os.remove(to)
        rename(path, to)
    rename = adoption.os.rename
    adoption.os = type("Os", (), dict(rename=replaced, remove=adoption.os.remove, stat=adoption.os.stat))

def check(left, done):
    mount(left)
    found = settings.load()
    assert found.fresh, "neither the old nor the new"
    assert found.values["interval_s"] in (600, 300)
    if found.values["interval_s"] == 600:
        adopt()  # the gateway offers them again to a node that reports the old ones
    assert settings.load().values["interval_s"] == 300
    vfs.umount("/")

flash = Flash(bytearray(b"\\xff" * (32 * BLOCK)))
vfs.VfsLfs2.mkfs(flash)
mount(flash.content)
write(settings.PATH, OLD)
write(settings.GOOD, OLD)
content = bytearray(FLASH.content)
FLASH.journal = []
adopt()
journal = FLASH.journal
vfs.umount("/")
cuts, told = cut_each(journal, content, 1.0, check)
print(json.dumps([len(journal), cuts, told]))
"""


@pytest.mark.parametrize("as_changes", [False, True])
@pytest.mark.parametrize("broken", [False, True])
def test_a_power_cut_at_any_operation_leaves_the_old_or_the_new(micropython, as_changes, broken):
    old, new = ({**OLD, "interval_s": s, "long": "x" * 6000} for s in (600, 300))
    came = changes(raw(old), raw(new)) if as_changes else raw(new)
    given = (str(HERE), raw(old), came, digest(came), as_changes, broken)
    script = CUTS.replace("{}", repr(given), 1)
    operations, cuts, told = json.loads(micropython(script, heap="64m", path=[HERE]).splitlines()[-1])
    assert cuts == 2 * operations > 10
    assert bool(told) == broken, told[:3]


def test_the_hash_is_that_of_the_compiled_settings(files):
    (files / "PATH").write_bytes(settings_bytes(NEW))
    assert settings.hash_of(settings.PATH) == config_hash(NEW)
    assert settings.hash_of(settings.BAD) is None
