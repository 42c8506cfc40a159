"""A backup for age's own keys: nobody else reads it, and whatever is wrong with it is said."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tools.installation.test_backup import filled, places
from tools.installation import encryption
from tools.installation.backup import back_up, unpack
from tools.installation.encryption import MAGIC, decrypting, encrypting
from tools.installation.places import InstallError, Places

__all__ = ["places"]
needs_age = pytest.mark.skipif(not shutil.which("age"), reason="age is not installed: apt-get install age")


def pair(file: Path) -> str:
    """Make a key pair in `file`; return the public key."""
    subprocess.run(["age-keygen", "-o", file], capture_output=True, check=True)
    done = subprocess.run(["age-keygen", "-y", file], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@needs_age
async def test_only_the_private_key_opens_it(places: Places, tmp_path: Path) -> None:
    await filled(places)
    mine, second, strangers = (tmp_path / name for name in ("mine", "second", "strangers"))
    recipients = [pair(mine), pair(second)]
    pair(strangers)
    file = tmp_path / "backup.tar.gz.age"
    manifest = back_up(places, file, recipients=recipients)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes().startswith(MAGIC)
    for name, identity in (("a", mine), ("b", second)):
        assert unpack(file, tmp_path / name, identity) == manifest
    assert (tmp_path / "a/data/keys.json").read_bytes() == (places.data / "keys.json").read_bytes()
    with pytest.raises(InstallError, match="no identity matched"):
        unpack(file, tmp_path / "c", strangers)
    with pytest.raises(InstallError, match="--identity"):
        unpack(file, tmp_path / "d")
    with pytest.raises(InstallError, match="nowhere"):
        unpack(file, tmp_path / "e", tmp_path / "nowhere")


@needs_age
@pytest.mark.parametrize("at", [0.3, 0.6, 0.999])
async def test_a_changed_or_cut_one_is_refused(places: Places, tmp_path: Path, at: float) -> None:
    await filled(places)
    recipient, file = pair(tmp_path / "key"), tmp_path / "backup.age"
    back_up(places, file, recipients=[recipient])
    whole = bytearray(file.read_bytes())
    where = int(len(whole) * at)
    file.write_bytes(whole[:where])
    with pytest.raises(InstallError):
        unpack(file, tmp_path / "cut", tmp_path / "key")
    whole[where] ^= 1
    file.write_bytes(whole)
    with pytest.raises(InstallError):
        unpack(file, tmp_path / "changed", tmp_path / "key")


@needs_age
async def test_a_recipient_that_is_none_leaves_no_backup(places: Places, tmp_path: Path) -> None:
    await filled(places)
    with pytest.raises(InstallError, match="malformed recipient"):
        back_up(places, tmp_path / "b.age", recipients=["age1wrong"])
    assert not (tmp_path / "b.age").exists()
    assert not (tmp_path / "b.age.making").exists()


def test_without_age_the_next_step_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(InstallError, match="apt-get install age"),
        (tmp_path / "b").open("wb") as target,
        encrypting(target, ["age1x"]),
    ):
        pass
    (tmp_path / "b").write_bytes(encryption.MAGIC)
    with (
        pytest.raises(InstallError, match="apt-get install age"),
        decrypting(tmp_path / "b", tmp_path / "key"),
    ):
        pass


def test_without_keys_it_is_as_it_is(tmp_path: Path) -> None:
    with (tmp_path / "b").open("wb") as target, encrypting(target, []) as stream:
        stream.write(b"plain")
    with decrypting(tmp_path / "b", None) as stream:
        assert stream.read() == b"plain"
