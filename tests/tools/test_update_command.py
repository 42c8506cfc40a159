"""`sensornett update`: from a key to a signed manifest, and what is refused before anything is offered."""

import stat
from pathlib import Path

import pytest

from tools import cli
from tools.node.registry import Registry
from tools.update.bundle import read_manifest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    return tmp_path


def build(folder: Path, number: int = 2) -> Path:
    words = ["--number", str(number), "--version", "0.2.0", "--board", "heltec-v3"]
    assert cli.main(["update", "build", *words, "--out", str(folder / "update")]) == 0
    return folder / "update" / f"{number}.manifest"


def push(folder: Path, manifest: Path, *more: str) -> int:
    where = ["--site", "narvik-demo", "--state", str(folder / "state"), "--lang", "en"]
    return cli.main(["update", "push", str(manifest), *where, *more])


def test_a_key_is_secret_and_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["update", "key", "a.pem"]) == 0
    assert stat.S_IMODE((folder / "a.pem").stat().st_mode) == 0o600
    assert len((folder / "a.pub").read_text().strip()) == 768
    before = (folder / "a.pem").read_bytes()
    assert cli.main(["update", "key", "a.pem"]) == 1
    assert "is there already; nothing was changed" in capsys.readouterr().err
    assert (folder / "a.pem").read_bytes() == before


def test_build_and_sign(folder: Path) -> None:
    manifest = build(folder)
    assert cli.main(["update", "key", "a.pem"]) == 0
    assert cli.main(["update", "sign", str(manifest), "--key", "a.pem"]) == 0
    read, signature = read_manifest(manifest.with_suffix(".signed").read_bytes())
    assert (read.number, read.version, read.boards, len(signature)) == (2, "0.2.0", ("heltec-v3",), 384)
    assert read.size == manifest.with_suffix(".bundle").stat().st_size


def test_a_key_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.pem").write_text("no key")
    assert cli.main(["update", "sign", str(build(folder)), "--key", "a.pem"]) == 3
    assert "not a private key" in capsys.readouterr().err


def test_what_is_refused_before_anything_is_offered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = build(folder)
    assert push(folder, manifest) == 5
    assert "is not signed" in capsys.readouterr().err
    assert cli.main(["update", "key", "a.pem"]) == 0
    assert cli.main(["update", "sign", str(manifest), "--key", "a.pem"]) == 0
    signed = manifest.with_suffix(".signed")
    bundle = manifest.with_suffix(".bundle")
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:-1])
    assert push(folder, signed) == 5
    assert "is not the bundle" in capsys.readouterr().err
    bundle.write_bytes(whole)
    (folder / "state").mkdir()
    assert push(folder, signed) == 3
    assert "No provisioned Wi-Fi node" in capsys.readouterr().err
    Registry(folder / "state").begin(21, "aa", "esp32s3", "heltec-v3")
    assert push(folder, signed, "--nodes", "11") == 3
    assert "can not take it: 11" in capsys.readouterr().err
    assert push(folder, signed, "--broker", "127.0.0.1:1") == 6
    assert "can not be reached" in capsys.readouterr().err


def test_status_without_a_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--site", "narvik-demo", "--state", str(folder)]
    assert cli.main(["update", "status", *words]) == 1
    assert "there is no store" in capsys.readouterr().err


def test_something_that_is_no_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "x.signed").write_bytes(b"SNU1\x02\x00{}")
    assert push(folder, folder / "x.signed") == 3
    assert "lacks what it has to say" in capsys.readouterr().err
