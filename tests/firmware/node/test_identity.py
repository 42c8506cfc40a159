"""A node that is handed a key: a new one on the same board, and what must never begin anew."""

import pytest

from node import identity

OLD, NEW = bytes(range(16)), bytes(range(16, 32))


@pytest.fixture
def flash(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "PATH", str(tmp_path / "identity"))
    monkeypatch.setattr(identity, "CLAIM", str(tmp_path / "key.hex"))
    return tmp_path


def test_a_board_without_identity_takes_the_key_and_begins_at_zero(flash):
    (flash / "key.hex").write_text(OLD.hex())
    me = identity.load()
    assert (me.key, me.reserved, me.epoch) == (OLD, 0, 0)
    assert not (flash / "key.hex").exists()
    assert vars(identity.load()) == vars(me)


def test_with_a_new_key_the_counters_go_on_and_the_gateway_is_met_anew(flash):
    """RTC memory may still say that counters up to 5120 are reserved: that has to be true of the new key."""
    identity.Identity(OLD, 5120, 7, b"gate", b"storeids", 77, b"good", 3, 900).save()
    (flash / "key.hex").write_text(NEW.hex())
    me = identity.load()
    assert (me.key, me.reserved, me.boots) == (NEW, 5120, 7)
    assert me.writes > 900
    assert (me.gateway, me.store, me.epoch, me.good) == (bytes(4), bytes(8), 0, bytes(4))


def test_the_same_key_again_changes_nothing(flash):
    identity.Identity(OLD, 512, 3, b"gate", b"storeids", 77).save()
    before = (flash / "identity").read_bytes()
    (flash / "key.hex").write_text(OLD.hex())
    assert identity.load().epoch == 77
    assert (flash / "identity").read_bytes() == before


def test_without_both_it_is_not_provisioned(flash):
    with pytest.raises(identity.Unprovisioned):
        identity.load()
