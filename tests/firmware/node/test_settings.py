"""Which settings a node takes, and which it goes back to."""

import hashlib
import json

import pytest

from node import settings

GOOD = {
    "node": 1, "schema": 2, "interval_s": 600, "power": "battery", "carrier": {}, "channels": [{}],
}  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch):
    for name in ("PATH", "GOOD", "BAD"):
        monkeypatch.setattr(settings, name, str(tmp_path / name))
    return tmp_path


def test_they_come_with_the_hash_of_their_bytes(files):
    raw = json.dumps(GOOD).encode()
    (files / "PATH").write_bytes(raw)
    found = settings.load()
    assert (found.values, found.fresh) == (GOOD, True)
    assert found.hash == hashlib.sha256(raw).digest()[:4]


@pytest.mark.parametrize(
    "change",
    [
        {"interval_s": 0}, {"interval_s": 10**6}, {"interval_s": "600"}, {"power": "sun"}, {"channels": []},
        {"channels": 5}, {"node": None}, {"carrier": "mqtt"},
    ],
)  # fmt: skip
def test_what_no_node_could_start_with_is_passed_over_for_the_kept_copy(files, change):
    (files / "PATH").write_text(json.dumps({**GOOD, **change}))
    (files / "GOOD").write_text(json.dumps(GOOD))
    found = settings.load()
    assert (found.values, found.fresh) == (GOOD, False)


def test_without_any_the_node_says_what_to_do(files):
    with pytest.raises(OSError, match="provision this node"):
        settings.load()


def test_a_copy_is_kept_whole_and_gone_back_to(files):
    assert not settings.give_up()  # there is nothing to go back to
    raw = json.dumps({**GOOD, "long": "x" * 5000}).encode()
    (files / "PATH").write_bytes(raw)
    settings.keep()
    (files / "PATH").write_text(json.dumps({**GOOD, "interval_s": 60}))
    assert settings.give_up()
    assert settings.load().values == json.loads(raw)
    assert json.loads((files / "BAD").read_text())["interval_s"] == 60
    assert not settings.give_up()
