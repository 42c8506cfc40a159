"""The registry of hardware and its audit log."""

import errno
import json
import os
from pathlib import Path

import pytest

from device_configs.keys import write_keys
from tools.node.credentials import Credentials
from tools.node.registry import Registry, alone, there
from tools.node.trouble import Trouble


def registry(folder: Path) -> Registry:
    ticks = iter(range(100))
    return Registry(folder, lambda: f"2026-01-01T00:00:{next(ticks):02d}Z")


def test_a_nodes_boards_are_remembered(tmp_path: Path) -> None:
    made = registry(tmp_path)
    made.begin(11, "aa", "esp32", "heltec-v3")
    made.advance(11, "shelved", settings="abcd1234")
    made.begin(11, "bb", "esp32", "heltec-v3")
    again = registry(tmp_path)
    entry = again.entry(11)
    assert [(one.mac, one.until is None) for one in entry.hardware] == [("aa", False), ("bb", True)]
    assert entry.stage == "started"
    assert again.node_of("bb") == 11
    assert again.node_of("aa") is None
    again.forget(11)
    assert registry(tmp_path).entry(11).current is None
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [line["did"] for line in lines] == ["begun", "shelved", "begun", "forgotten"]
    assert all(line["who"] for line in lines)


def test_stages_never_go_back_by_themselves(tmp_path: Path) -> None:
    made = registry(tmp_path)
    made.begin(11, "aa", "esp32", "heltec-v3")
    made.advance(11, "tested")
    made.advance(11, "keyed")
    assert made.entry(11).reached("tested")
    assert not made.entry(11).reached("shelved")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"nodes": {"x": {}}}', '{"nodes": {"11": {"hardware": 7}}}']
)
def test_a_damaged_registry_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "nodes.json").write_text(text)
    with pytest.raises(Trouble) as trouble:
        Registry(tmp_path)
    assert (trouble.value.key, trouble.value.status) == ("registry", 3)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    for ask in (there, lambda state: alone(state).__enter__()):
        with pytest.raises(Trouble) as trouble:
            ask(tmp_path / "staet")
        assert (trouble.value.key, trouble.value.status) == ("no_state", 3)
    assert Registry(tmp_path / "staet").nodes == {}  # a machine that is being restored has none yet
    assert list(tmp_path.iterdir()) == []


def test_one_command_at_a_time_changes_it(tmp_path: Path) -> None:
    with alone(tmp_path):
        with pytest.raises(Trouble) as trouble, alone(tmp_path):
            pass
        assert (trouble.value.key, trouble.value.status) == ("state_busy", 1)
    with alone(tmp_path):
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "raised"), [(errno.EACCES, PermissionError), (errno.EIO, Trouble)])
def test_who_may_not_read_is_not_told_of_a_failing_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, raised: type[Exception]
) -> None:
    def refused(path: Path, *_: object) -> str:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(raised):
        Registry(tmp_path)
    with pytest.raises(raised):
        Credentials(tmp_path, "here")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    """Commands may be given with sudo: the gateway's user has to read and replace what they leave."""
    os.chown(tmp_path, 12_345, 12_346)
    made = registry(tmp_path)
    made.begin(11, "aa", "esp32", "heltec-v3")
    write_keys(tmp_path / "keys.json", {11: bytes(16)})
    Credentials(tmp_path, "here").gateway()
    for name in ("nodes.json", "audit.jsonl", "keys.json", "broker.json"):
        found = (tmp_path / name).stat()
        assert (found.st_uid, found.st_gid) == (12_345, 12_346), name
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o077 == 0
