"""RTC memory: what is not exactly what was stored is not believed."""

from hypothesis import given
from hypothesis import strategies as st

from node import identity, retained


def filled():
    state = retained.Retained()
    for i, name in enumerate(("wakes", "counter", "reserved", "next_seq", "oldest", "epoch", "upto")):
        setattr(state, name, 1000 + i)
    state.offset_ms = -(1 << 50)
    state.ranges = (1, 5, 9, 0xFFFFFFFF, 0, 0, 0, 0)
    return state


def test_it_comes_back_from_a_larger_memory():
    state = filled()
    assert vars(retained.unpack(state.pack() + bytes(1900))) == vars(state)
    assert len(state.pack()) < 256


@given(st.integers(0), st.integers(1, 255))
def test_any_changed_byte_is_noticed(at, mask):
    raw = bytearray(filled().pack())
    raw[at % len(raw)] ^= mask
    assert retained.unpack(bytes(raw)) is None


def test_an_empty_memory_is_a_cold_boot():
    assert retained.unpack(b"") is None
    assert retained.unpack(bytes(2048)) is None


@given(st.integers(0), st.integers(1, 255))
def test_a_damaged_identity_is_no_identity(at, mask):
    me = identity.Identity(bytes(range(16)), 512, 3, b"gate", b"storeids", 77)
    assert vars(identity.unpack(me.pack())) == vars(me)
    raw = bytearray(me.pack())
    raw[at % len(raw)] ^= mask
    assert identity.unpack(bytes(raw)) is None


def test_a_claimed_key_is_taken_over_once(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "PATH", str(tmp_path / "identity"))
    monkeypatch.setattr(identity, "CLAIM", str(tmp_path / "key.hex"))
    (tmp_path / "key.hex").write_text("000102030405060708090a0b0c0d0e0f\n")
    me = identity.load()
    assert me.key == bytes(range(16))
    assert not (tmp_path / "key.hex").exists()
    me.reserved = 256
    me.save()
    (tmp_path / "key.hex").write_text("000102030405060708090a0b0c0d0e0f")  # cut off before it was removed
    assert identity.load().reserved == 256
