"""`sensornett update`: from a key to a signed manifest, and what is refused before anything is offered."""

import stat
from pathlib import Path

import pytest

from tools import cli
from tools.firmware_image import FIRMWARE, compiled
from tools.node.registry import Registry
from tools.update import bundle
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


def test_the_public_half_of_a_key_kept_elsewhere_is_not_overwritten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["update", "key", "a.pem"]) == 0
    (folder / "a.pem").rename(folder / "offline.pem")
    before = (folder / "a.pub").read_text()
    assert cli.main(["update", "key", "a.pem"]) == 1
    assert "a.pub is there already; nothing was changed" in capsys.readouterr().err
    assert ((folder / "a.pub").read_text(), (folder / "a.pem").exists()) == (before, False)


def test_a_board_that_nobody_has_is_told_when_it_is_built_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--number", "2", "--version", "0.2.0", "--board", "heltec-v4"]
    assert cli.main(["update", "build", *words, "--lang", "nb"]) == 3
    assert "Kortet heltec-v4 finnes ikke" in capsys.readouterr().err
    assert not (folder / "update").exists()


@pytest.mark.parametrize("words", [["sign", "x.manifest", "--key", "a.pem"], ["push", "x.signed"]])
def test_files_that_are_not_there(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    (folder / "state").mkdir()
    where = ["--site", "narvik-demo", "--state", "state"] if words[0] == "push" else []
    assert cli.main(["update", *words, *where, "--lang", "nb"]) == 1
    assert f"{words[1]} finnes ikke" in capsys.readouterr().err


def test_build_and_sign(folder: Path) -> None:
    manifest = build(folder)
    assert cli.main(["update", "key", "a.pem"]) == 0
    assert cli.main(["update", "sign", str(manifest), "--key", "a.pem"]) == 0
    read, signature = read_manifest(manifest.with_suffix(".signed").read_bytes())
    assert (read.number, read.version, read.boards, len(signature)) == (2, "0.2.0", ("heltec-v3",), 384)
    assert read.size == manifest.with_suffix(".bundle").stat().st_size


def image(chip_id: int, stamp: bytes = b"sensornett program 0.3.0 number 3\0") -> bytes:
    head = bytes((0xE9, 1, 2, 0x20)) + bytes(8) + chip_id.to_bytes(2, "little") + bytes(18)
    return head + b"\x32\x54\xcd\xab" + bytes(5000) + stamp + bytes(3000)


def full(folder: Path, content: bytes, board: str = "heltec-v3") -> int:
    (folder / "micropython.bin").write_bytes(content)
    words = ["--number", "3", "--version", "0.3.0", "--board", board, "--lang", "en"]
    return cli.main(["update", "build", *words, "--full", str(folder / "micropython.bin")])


def test_build_of_a_full_image(folder: Path) -> None:
    assert full(folder, image(9)) == 0
    read, _ = read_manifest((folder / "update" / "3.manifest").read_bytes())
    assert (read.full, read.size, read.boards) == (True, len(image(9)), ("heltec-v3",))
    assert (folder / "update" / "3.bundle").read_bytes() == image(9)


@pytest.mark.parametrize(
    ("content", "board", "words"),
    [
        (image(0), "heltec-v3", "is not for the esp32s3 of heltec-v3"),
        (image(9)[:32] + bytes(5000), "heltec-v3", "not firmware.bin"),
        (b"", "heltec-v3", "is no application image"),
        (image(9), "heltec-v4", "There is no board heltec-v4"),
        (image(9, b""), "heltec-v3", "does not say which program is in it"),
        (image(9, b"sensornett program 0.2.0 number 3\0"), "heltec-v3", "has 0.2.0 (3) in it, not 0.3.0 (3)"),
        (
            image(9, b"sensornett program 0.3.0 number 31\0"),
            "heltec-v3",
            "has 0.3.0 (31) in it, not 0.3.0 (3)",
        ),
        (
            image(9, b"sensornett program 0.3.0 number 3\0" * 2 + b"sensornett program 1 number 4"),
            "heltec-v3",
            "does not say which",
        ),
    ],
)
def test_what_is_no_full_image_for_the_board(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, board: str, words: str
) -> None:
    assert full(folder, content, board) == 3
    assert words in capsys.readouterr().err
    assert not (folder / "update").exists()


def test_a_version_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--number", "2", "--version", "0.2.0 beta", "--board", "heltec-v3", "--lang", "en"]
    assert cli.main(["update", "build", *words]) == 2
    assert "'0.2.0 beta' is no version" in capsys.readouterr().err


def test_the_firmware_says_its_version_thrice_alike() -> None:
    said: dict[str, object] = {}
    exec((FIRMWARE / "lib/node/version.py").read_text(), said)
    assert bundle.version_in(str(said["STAMP"]).encode()) == (said["FIRMWARE"], said["NUMBER"])
    (stamped,) = [content for name, content in compiled().items() if name == "lib/node/version.mpy"]
    assert bundle.version_in(stamped) == (said["FIRMWARE"], said["NUMBER"])


def test_a_bundle_has_the_version_it_was_built_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundle.version_in(build(folder).with_suffix(".bundle").read_bytes()) == ("0.2.0", 2)
    stale = bundle.program(1, "0.1.0")
    monkeypatch.setattr(bundle, "program", lambda number, version: stale)
    words = ["--number", "2", "--version", "0.2.0", "--board", "heltec-v3"]
    assert cli.main(["update", "build", *words, "--out", str(folder / "stale")]) == 3
    assert not (folder / "stale").exists()


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
    file = manifest.with_suffix(".bundle")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert push(folder, signed) == 5
    assert "is not the bundle" in capsys.readouterr().err
    file.write_bytes(whole)
    (folder / "state").mkdir()
    assert push(folder, signed) == 3
    assert "No provisioned Wi-Fi node" in capsys.readouterr().err
    Registry(folder / "state").begin(21, "aa", "esp32s3", "heltec-v3")
    assert push(folder, signed, "--nodes", "11") == 3
    assert "can not take it: 11" in capsys.readouterr().err
    assert push(folder, signed, "--first", "1,x") == 2
    assert "these are no sizes of waves" in capsys.readouterr().err
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
