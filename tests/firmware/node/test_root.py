"""A node whose file system is lost, or whose frame counter ends: it comes back, and repeats no nonce."""

import importlib
import sys
import types
from binascii import crc32

import pytest

from node import identity, retained
from tests.firmware.lab import KEY
from tests.firmware.radio_lab import RadioLab
from tools.firmware_image import compiled
from wire.frame import COUNTER_MAX, DATA, HEADER_SIZE, JOIN, JOIN_SIZE, FrameError, parse_header
from wire.seal import life_key, uplink_cipher

SNOW = 21
LIVES = 4


class Ear:
    """Hears every frame the node sends, and finds out in which life it was sealed."""

    def __init__(self, lab):
        self.heard = []
        send = lab.antenna.send

        def listen(modulation, payload, power_dbm):
            self.heard.append(bytes(payload))
            return send(modulation, payload, power_dbm)

        lab.antenna.send = listen

    def nonces(self):
        """Return (life, counter) of each frame."""
        ciphers = [uplink_cipher(life_key(KEY, life)) for life in range(LIVES)]
        found = []
        for frame in self.heard:
            header = parse_header(frame)
            size = JOIN_SIZE if header.type == JOIN else HEADER_SIZE
            for life, cipher in enumerate(ciphers):
                try:
                    cipher.open(frame, size)
                except FrameError:
                    continue
                found.append((life, header.counter))
        assert len(found) == len(self.heard)
        return found


@pytest.fixture
async def lab(tmp_path):
    found = RadioLab(tmp_path, SNOW)
    await found.start()
    yield found
    await found.stop()


async def test_with_its_file_system_wiped_it_comes_back_by_itself(lab):
    ear = Ear(lab)
    await lab.board.power_on()
    for life in range(1, LIVES):
        before = lab.stored()
        await lab.until(lambda before=before: lab.stored() >= before + 9, 48)
        epoch = lab.said()["epoch"]
        await lab.board.power_cut()
        lab.board.install(compiled())  # what a release build has in it; no key, no settings, no records
        await lab.board.power_on()
        before = lab.stored()
        await lab.until(lambda before=before: lab.stored() >= before + 9, 48)
        assert lab.said()["epoch"] != epoch
        assert {life for life, _ in ear.nonces()} == set(range(life + 1))
    nonces = ear.nonces()
    assert len(set(nonces)) == len(nonces)
    assert {parse_header(f).type for f in ear.heard if ear.heard} == {1, DATA, JOIN}
    assert not [cause for cause in lab.refusals if cause[0] == "replay"]


async def test_near_its_end_the_frame_counter_begins_anew_under_another_key(lab):
    ear = Ear(lab)
    near = identity.Identity(KEY, reserved=COUNTER_MAX - 4096 - 20)
    lab.board.change({"identity": near.pack(), "key.hex": None})
    await lab.board.power_on()
    await lab.until(lambda: (1, 0) in ear.nonces(), 48)
    await lab.until(lambda: lab.stored() >= 30, 48)
    with lab.reader() as reader:
        (node,) = reader.nodes()
        assert (node.life, node.highest < 1000) == (1, True)
        assert len(reader.ledger()) == 1, "the backlog goes on through the new life"
    nonces = ear.nonces()
    assert len(set(nonces)) == len(nonces)
    assert max(counter for life, counter in nonces if life == 0) < COUNTER_MAX
    await lab.board.power_cut()
    assert identity.unpack(lab.board.files()["identity"]).life == 1


async def test_files_older_than_what_was_sent_since_are_not_gone_on_with(lab):
    """As where somebody puts an image of the flash back."""
    ear = Ear(lab)
    await lab.board.power_on()
    await lab.until(lambda: lab.stored() >= 3, 48)
    await lab.board.power_cut()
    lab.board.install(compiled())
    await lab.board.power_on()
    await lab.until(lambda: (1, 0) in ear.nonces(), 48)
    await lab.board.power_cut()
    old = identity.Identity(KEY, 256, 1, b"gate", b"storeids", 7)
    lab.board.change({"identity": old.pack()})
    await lab.board.power_on()
    await lab.until(lambda: (2, 0) in ear.nonces(), 48)
    nonces = ear.nonces()
    assert len(set(nonces)) == len(nonces)


# The rules by themselves, on a storage that fails as one likes


class Storage:
    """ESP32's NVS. `broken`: every access fails."""

    def __init__(self):
        self.held = {}
        self.broken = False

    def NVS(self, namespace):
        return self

    def _look(self, name):
        if self.broken:
            raise OSError(-0x1105)
        if name not in self.held:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return self.held[name]

    def get_blob(self, name, buffer):
        value = self._look(name)
        buffer[: len(value)] = value
        return len(value)

    get_i32 = _look

    def set_blob(self, name, value):
        if self.broken:
            raise OSError(-0x1105)
        self.held[name] = value

    set_i32 = set_blob

    def commit(self):
        if self.broken:
            raise OSError(-0x1105)


@pytest.fixture
def storage(tmp_path, monkeypatch):
    found = Storage()
    monkeypatch.setitem(sys.modules, "esp32", types.SimpleNamespace(NVS=found.NVS))
    monkeypatch.delitem(sys.modules, "node.root", raising=False)
    monkeypatch.setattr(identity, "PATH", str(tmp_path / "identity"))
    yield found
    sys.modules.pop("node.root", None)


def root():
    return importlib.import_module("node.root")  # only now: it needs the ESP32's storage


def test_a_node_without_key_anywhere_is_not_provisioned(storage):
    assert root().settle(None, retained.Retained())[0] is None


def test_a_life_begins_for_each_loss_and_the_airtime_used_stays_known(storage):
    state = retained.Retained()
    me = identity.Identity(KEY, 512)
    assert root().settle(me, state) == (me, state)
    state.counter = 700
    state.notes = {retained.AIRTIME: b"used", retained.WATCH: b"x"}
    again, fresh = root().settle(None, state)
    assert (again.key, again.life, again.reserved, again.epoch) == (KEY, 1, 0, 0)
    assert (fresh.counter, fresh.notes) == (0, {retained.AIRTIME: b"used"})
    assert vars(identity.load()) == vars(again)
    assert root().settle(again, state) == (again, state)
    third, _ = root().settle(None, state)
    assert third.life == 2


def test_a_new_key_takes_the_place_of_the_old_one(storage):
    state = retained.Retained()
    root().settle(identity.Identity(KEY, life=4), state)
    other = identity.Identity(bytes(16))
    assert root().settle(other, state) == (other, state)
    assert root().settle(None, state)[0].life == 1


def test_a_storage_that_fails_stops_no_node_and_makes_no_life(storage):
    state = retained.Retained()
    me = identity.Identity(KEY, 512, life=1)
    root().settle(me, state)
    storage.broken = True
    assert root().settle(me, state) == (me, state)
    assert root().settle(None, state) == (None, state)
    with pytest.raises(OSError, match="4357"):
        root().next_life(me)
    assert (me.life, me.reserved) == (1, 512)


def test_after_the_last_life_there_is_none(storage):
    me = identity.Identity(KEY, life=0xFFFF)
    root().settle(me, retained.Retained())
    with pytest.raises(OSError, match="provision"):
        root().next_life(me)


def test_an_identity_from_before_there_were_lives_is_read():
    new = identity.Identity(KEY, 512, 3, b"gate", b"storeids", 77).pack()
    old = b"SNi2" + new[4:-6]
    found = identity.unpack(old + crc32(old).to_bytes(4, "little"))
    assert (found.reserved, found.life, found.sealing_key()) == (512, 0, KEY)
