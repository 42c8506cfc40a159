import json
import os
from pathlib import Path

import pytest

from device_configs.keys import read_keys, write_keys
from device_configs.problem import ConfigError

KEY = "00112233445566778899aabbccddeeff"


def store(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_write_and_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = {12: os.urandom(16), 11: bytes.fromhex(KEY)}
    write_keys(path, {11: os.urandom(16)})
    write_keys(path, keys)
    assert read_keys(path) == keys
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["nodes"]["11"] == KEY
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


def test_written_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_keys(tmp_path / "keys.json", {1: bytes(16)})
    finally:
        os.umask(old)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_file_left_by_a_crash_is_no_trap(tmp_path: Path) -> None:
    (tmp_path / "keys.json.new").symlink_to(tmp_path / "elsewhere")
    write_keys(tmp_path / "keys.json", {1: bytes(16)})
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_others_must_not_read_it(tmp_path: Path, mode: int) -> None:
    path = store(tmp_path, '{"nodes": {}}', mode)
    with pytest.raises(ConfigError) as caught:
        read_keys(path)
    (problem,) = caught.value.problems
    assert problem.message == f"the nodes' keys may be read by other users (mode {mode:04o})"
    assert problem.hint == f"chmod 600 {path}"


def test_read_only_is_private_enough(tmp_path: Path) -> None:
    assert read_keys(store(tmp_path, f'{{"nodes": {{"7": "{KEY.upper()}"}}}}', 0o400)) == {
        7: bytes.fromhex(KEY)
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: not JSON"),
        ('{"nodes": {\n"11": oops}}', "2:7: not JSON"),
        ("[]", "this is no key store"),
        ('{"keys": {}}', "this is no key store"),
        ('{"nodes": []}', "this is no key store"),
        (f'{{"nodes": {{"0": "{KEY}"}}}}', "a node's id in it is not a whole number from 1 to 65535"),
        (f'{{"nodes": {{"65536": "{KEY}"}}}}', "a node's id in it"),
        (f'{{"nodes": {{"011": "{KEY}"}}}}', "a node's id in it"),
        (f'{{"nodes": {{"": "{KEY}"}}}}', "a node's id in it"),
        (f'{{"nodes": {{"{"1" * 5000}": "{KEY}"}}}}', "a node's id in it"),
        (f'{{"nodes": {{"11": "{KEY}", "11": "{KEY}"}}}}', "a name is given twice"),
        (f'{{"nodes": {{"11": "{KEY[:-2]}"}}}}', "the key of node 11 does not have 32 hexadecimal digits"),
        (f'{{"nodes": {{"11": "{KEY[:-1]}g"}}}}', "the key of node 11 does not have 32"),
        (f'{{"nodes": {{"11": "{KEY[:-1]} "}}}}', "the key of node 11 does not have 32"),
        ('{"nodes": {"11": 12}}', "the key of node 11 does not have 32"),
        ("[" * 100_000, "not JSON"),
        ("\ud800", "not JSON"),
    ],
)
def test_stores_that_can_not_be_trusted(tmp_path: Path, text: str, message: str) -> None:
    path = store(tmp_path, "")
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ConfigError) as caught:
        read_keys(path)
    assert message in str(caught.value)
    assert KEY[:8] not in "".join(problem.pretty() for problem in caught.value.problems)


def test_missing_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can not be read: No such file or directory"):
        read_keys(tmp_path / "keys.json")


def test_a_systemd_credential_may_show_a_group_but_never_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store(tmp_path, f'{{"nodes": {{"11": "{KEY}"}}}}', 0o440)
    with pytest.raises(ConfigError):
        read_keys(path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_keys(path) == {11: bytes.fromhex(KEY)}
    path.chmod(0o444)
    with pytest.raises(ConfigError):
        read_keys(path)
