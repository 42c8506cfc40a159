"""What every command of a technician has in common: trouble in words, with its status."""

import errno
import json
import os
from pathlib import Path

import pytest
import typer

from device_configs.loader import SITES, load_site
from tools.node.handing_out import hand_out
from tools.node.session import registry_of, session, site_at, without_key
from tools.node.trouble import Trouble
from tools.node.words import Words

DEMO = "narvik-demo"


def ends(lang: str, error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(typer.Exit) as end, session(lang, True, False):
        raise error
    said = capsys.readouterr()
    return end.value.exit_code, said.err, json.loads(said.out)["trouble"]


@pytest.mark.parametrize(
    ("number", "key", "words"),
    [
        (errno.ENOSPC, "disk_full", "Disken på denne maskinen er full"),
        (errno.EDQUOT, "disk_full", "samme kommando på nytt"),
        (errno.EROFS, "read_only", "state/keys.json ligger på en disk som bare kan leses"),
        (errno.EACCES, "denied", "lov til å lese eller skrive state/keys.json"),
        (errno.ENOENT, "no_file", "state/keys.json finnes ikke"),
        (errno.EISDIR, "file", "state/keys.json kan ikke brukes: "),
    ],
)
def test_what_this_machines_disk_refuses(
    capsys: pytest.CaptureFixture[str], number: int, key: str, words: str
) -> None:
    status, said, trouble = ends("nb", OSError(number, os.strerror(number), "state/keys.json"), capsys)
    assert (status, trouble, words in said) == (1, key, True), said


def test_ctrl_c_is_told_what_goes_on_from_here(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), session("en", False, False):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "Stopped. Nothing is lost: the same command goes on from here.\n"


def test_a_network_that_fails_is_not_the_disks_fault() -> None:
    with pytest.raises(ConnectionRefusedError), session("en", False, False):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def test_a_site_by_its_name_or_its_folder_or_not_at_all(tmp_path: Path) -> None:
    assert site_at(DEMO)[1] == SITES / DEMO
    assert site_at(str(SITES / DEMO))[0].id == DEMO
    with pytest.raises(Trouble) as trouble:
        site_at("narvik-dmeo")
    assert (trouble.value.key, trouble.value.status) == ("no_site", 3)
    assert trouble.value.told(Words("en")).endswith(f"Those that do: {DEMO}.")


def test_a_state_directory_is_one_sites_only(tmp_path: Path) -> None:
    """Else another site's access list would be written over this one's, and all its nodes shut out."""
    site = load_site(SITES / DEMO)
    registry_of(site, tmp_path)
    hand_out(tmp_path, {"node": 21, "site": DEMO})
    registry_of(site, tmp_path)
    hand_out(tmp_path, {"node": 20, "site": "bodo"})
    with pytest.raises(Trouble) as trouble:
        registry_of(site, tmp_path)
    assert (trouble.value.key, trouble.value.values["other"]) == ("other_site", "bodo")


def test_who_has_no_key_for_updates_is_told(tmp_path: Path) -> None:
    (said,) = without_key(tmp_path, Words("en"))
    assert f"no key in {tmp_path / 'update-keys'}" in said
    (tmp_path / "update-keys").mkdir()
    (tmp_path / "update-keys" / "1.pub").write_text("aa")
    assert without_key(tmp_path, Words("en")) == []
