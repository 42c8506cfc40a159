"""The commands as people give them, as far as they go without systemd: below a root of their own."""

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from gateway.store.opening import open_database
from tests.tools.installation.staged import SITE, SITE_ID
from tools.installation import accounts
from tools.installation.places import Places

command = importlib.import_module("tools.installation.__main__")


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["tools.installation", *map(str, words)])
    status: int = command.main()
    return status


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A root with a version in it; users, folders' owners and systemctl are left out.

    Its path is short: a socket's may have 107 characters.
    """
    with tempfile.TemporaryDirectory(prefix="sn-") as folder:
        yield made_root(Path(folder), monkeypatch)


def made_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    places = Places(folder)

    def make_folders(places: Places) -> None:
        for folder in (places.authority, places.broker, places.secrets, places.data / "broker"):
            folder.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(accounts, "make_users", lambda places: None)
    monkeypatch.setattr(accounts, "make_folders", make_folders)
    monkeypatch.setattr(accounts, "remove_users", lambda places: None)
    monkeypatch.setattr(command.Systemd, "enable", lambda self, units: None)
    monkeypatch.setattr(command.Systemd, "disable", lambda self, units: None)
    (places.versions / "1").mkdir(parents=True)
    return places.root


def install(monkeypatch: pytest.MonkeyPatch, root: Path, *more: object) -> int:
    version = root / "opt/sensornett/versions/1"
    return run(monkeypatch, "install", "--site", SITE, "--root", root, "--version-dir", version, *more)


def test_from_install_to_purge(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert install(monkeypatch, root, "--page", "0.0.0.0:8080") == 0
    said = capsys.readouterr().err
    assert "Nothing is started" in said
    assert "Installed: 1" in said
    assert "page: 0.0.0.0:8080" in (root / "etc/sensornett/gateway.yaml").read_text()
    assert (root / "usr/local/bin/sensornett").is_symlink()

    open_database(root / "var/lib/sensornett/store.db", lambda: 0).db.close()
    assert run(monkeypatch, "backup", tmp_path / "b.tar.gz", "--root", root, "--json") == 0
    assert json.loads(capsys.readouterr().out)["last_commit"] == 0
    assert run(monkeypatch, "restore", tmp_path / "b.tar.gz", "--root", root) == 0
    assert "Restored" in capsys.readouterr().err
    assert run(monkeypatch, "export", tmp_path / "out", "--root", root, "--json") == 0
    assert json.loads(capsys.readouterr().out)["records"] == 0
    assert (tmp_path / "out/site/site.json").exists()
    assert run(monkeypatch, "export", tmp_path / "out", "--root", root) == 1

    (root / "opt/sensornett/versions/2").mkdir()
    version = root / "opt/sensornett/versions/2"
    assert run(monkeypatch, "upgrade", "--root", root, "--version-dir", version) == 0
    assert os.readlink(root / "opt/sensornett/current") == "versions/2"  # noqa: PTH115 - the link itself
    lines = (root / "var/lib/sensornett/audit.jsonl").read_text().splitlines()
    did = [json.loads(line)["did"] for line in lines]
    assert did == ["installed", "backed up", "restored", "exported", "upgraded"]
    assert run(monkeypatch, "uninstall", "--purge", "--yes", "--root", root) == 0
    assert [path for path in root.rglob("*") if "sensornett" in path.name] == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--page", "x y"], "--page 'x y'"),
        (["--broker-port", "0"], "--broker-port 0"),
        (["--data", "here"], "--data 'here'"),
        (["--influx", "http://db", "--api", "v7"], "--influx-api 'v7'"),
    ],
)
def test_an_option_that_is_wrong_is_named_and_nothing_is_left(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    said: str,
) -> None:
    assert install(monkeypatch, root, *more) == 1
    assert said in capsys.readouterr().err
    assert not (root / "etc/sensornett/gateway.yaml").exists()


def test_a_site_with_a_mistake(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    version = root / "opt/sensornett/versions/1"
    words = ["install", "--site", tmp_path / "empty", "--root", root, "--version-dir", version]
    assert run(monkeypatch, *words) == 3
    assert "site.yaml" in capsys.readouterr().err
    assert not (root / "etc/sensornett/gateway.yaml").exists()
    assert install(monkeypatch, root) == 0  # it can be tried again
    assert (root / "etc/sensornett/sites" / SITE_ID).is_dir()
    assert install(monkeypatch, root) == 1
    assert "is installed here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["upgrade", "--version-dir", "x"], ["backup", "b"], ["restore", "b"], ["export", "e"]]
)
def test_where_nothing_is_installed_the_next_step_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(monkeypatch, *words, "--root", tmp_path) == 1
    assert "./run install" in capsys.readouterr().err


def test_without_a_site(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "install", "--version-dir", "x") == 1
    assert "--site FOLDER" in capsys.readouterr().err


def test_every_option_is_explained() -> None:
    for name, found in typer.main.get_command(command.app).commands.items():  # type: ignore[attr-defined]
        assert found.help
        for parameter in found.params:
            assert parameter.help or parameter.hidden, (name, parameter.name)


def test_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "install", "--no-such-option") == 2


def test_secrets_are_rotated_by_one_command(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert install(monkeypatch, root) == 0
    settings, data = root / "etc/sensornett", root / "var/lib/sensornett"
    secrets = [settings / "secrets/broker", settings / "secrets/influx", settings / "broker/server.key"]
    before = [path.read_text() for path in secrets]
    authority = (settings / "authority/ca.pem").read_text()
    (tmp_path / "token").write_text("new-token\n")
    version = root / "opt/sensornett/versions/1"
    words = ["upgrade", "--root", root, "--version-dir", version, "--rotate"]
    assert run(monkeypatch, *words, "--influx-secret-file", tmp_path / "token") == 0
    after = [path.read_text() for path in secrets]
    assert not set(after) & set(before)
    assert after[1] == "new-token\n"
    assert [path.stat().st_mode & 0o077 for path in secrets[:2]] == [0, 0]
    assert json.loads((data / "broker.json").read_text())["users"]["gateway"] == after[0].strip()
    assert (settings / "authority/ca.pem").read_text() == authority, "nodes believe this one"
    lines = [json.loads(line) for line in (data / "audit.jsonl").read_text().splitlines()]
    assert [line.get("secret") for line in lines if line["did"] == "rotated"] == ["broker", "influx"]
    assert not any(secret.strip() in str(lines) for secret in after)


def test_nightly_backups_go_where_gateway_yaml_says_and_so_many_are_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert install(monkeypatch, root) == 0
    open_database(root / "var/lib/sensornett/store.db", lambda: 0).db.close()
    assert run(monkeypatch, "backup", "--root", root) == 1
    assert "say which FILE" in capsys.readouterr().err
    folder = root / "mnt/usb"
    folder.mkdir(parents=True)
    names = [f"sensornett-{SITE_ID}-2026010{day}T023000Z.tar.gz" for day in range(1, 5)]
    for name in [*names, "sensornett-elsewhere-20260101T023000Z.tar.gz", "mine.txt"]:
        (folder / name).write_text("old")
    with (root / "etc/sensornett/gateway.yaml").open("a") as stream:
        stream.write("backup: {folder: /mnt/usb, keep: 3}\n")
    capsys.readouterr()
    assert run(monkeypatch, "backup", "--root", root, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], told["encrypted"]) == (2, False)
    others = {"sensornett-elsewhere-20260101T023000Z.tar.gz", "mine.txt"}
    assert {path.name for path in folder.iterdir()} == {*names[2:], Path(told["file"]).name, *others}
    assert run(monkeypatch, "restore", told["file"], "--root", root) == 0
