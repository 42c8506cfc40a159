"""Kept numbers, against an NVS that answers as the ESP32's does. The virtual board's is in its own tests."""

import importlib
import sys
import types

import pytest


class Nvs:
    """Blobs of one namespace; `committed` is what a power cut leaves."""

    error = None

    def __init__(self, namespace):
        self.entries = {}
        self.committed = {}

    def get_blob(self, key, buffer):
        if self.error:
            raise self.error
        if key not in self.entries:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        buffer[: len(self.entries[key])] = self.entries[key]
        return len(self.entries[key])

    def set_blob(self, key, value):
        self.entries[key] = bytes(value)

    def commit(self):
        self.committed = dict(self.entries)


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setitem(sys.modules, "esp32", types.SimpleNamespace(NVS=Nvs))
    monkeypatch.delitem(sys.modules, "node.kept", raising=False)
    yield importlib.import_module("node.kept").Kept("pulses33")
    sys.modules.pop("node.kept", None)


@pytest.mark.parametrize("value", [0, 1, 2**31, 2**40])
def test_what_is_set_is_committed_and_comes_back(kept, value):
    assert kept.get() is None
    kept.set(value)
    assert kept.get() == value
    assert kept._nvs.committed == {"pulses33": value.to_bytes(8, "little")}


def test_a_bad_read_is_no_fresh_start(kept):
    kept.set(7)
    kept._nvs.error = OSError(-0x110B, "ESP_ERR_NVS_INVALID_STATE")
    with pytest.raises(OSError, match="INVALID_STATE"):
        kept.get()
