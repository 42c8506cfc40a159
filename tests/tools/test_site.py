import json
import re
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.compile import node_settings
from device_configs.loader import SITES, load_site
from tools import cli
from tools.site_command import TEMPLATE, fill_in


@pytest.fixture
def made(tmp_path: Path) -> Path:
    assert cli.main(["site", "new", "bodo-north", "--dir", str(tmp_path)]) == 0
    return tmp_path / "bodo-north"


def test_a_new_site_passes_check(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["check", str(made), "--json"]) == 0
    (summary,) = json.loads(capsys.readouterr().out)["sites"]
    assert summary["demo"] is True
    assert (
        summary["placeholders"]
        == sum(text.count("# PLACEHOLDER") for text in fill_in("a", "0" * 8).values())
        > 30
    )


def test_a_new_site_has_one_node_of_each_kind(made: Path) -> None:
    """What comes after the hyphen names another way to the meter: a choice, not another kind."""
    site = load_site(made)
    kinds = {name.partition("-")[0] for name in builtin_catalog().profiles}
    assert sorted(node.profile.name for node in site.nodes) == sorted(kinds)
    assert all(node_settings(site, node, host="h") for node in site.nodes)


def test_two_sites_have_different_gateways(made: Path, tmp_path: Path) -> None:
    assert cli.main(["site", "new", "other", "--dir", str(tmp_path)]) == 0
    assert load_site(made).gateway_id != load_site(tmp_path / "other").gateway_id


def test_nothing_of_the_demonstration_is_in_it() -> None:
    demo = load_site(SITES / "narvik-demo")
    own = {
        "narvik",
        demo.gateway_id.hex(),
        *(word for n in demo.nodes for word in re.findall(r"\w{6,}", n.name)),
    }
    own |= (
        {str(n.latitude) for n in demo.nodes} | {str(n.longitude) for n in demo.nodes} | {str(demo.latitude)}
    )
    own |= {str(p["rom"]) for n in demo.nodes for p in n.sensors.values() if "rom" in p}
    text = "".join(file.read_text() for file in TEMPLATE.iterdir()).lower()
    assert [word for word in own if word.lower() in text] == []


def test_every_placeholder_follows_a_value() -> None:
    for file, text in fill_in("a", "0" * 8).items():
        for line in text.splitlines():
            if "# PLACEHOLDER" in line:
                assert re.match(r"\s*(- )?\w+: \S", line), f"{file}: {line}"


def test_an_existing_folder_is_not_touched(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file.name: file.read_bytes() for file in made.iterdir()}
    assert cli.main(["site", "new", "bodo-north", "--dir", str(made.parent)]) == 1
    assert "is there already; nothing was changed" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in made.iterdir()} == before


@pytest.mark.parametrize("name", ["Bodø", "a b", "../x", "", "-a", "all", "a" * 33, "a\n"])
def test_names_that_can_not_be(tmp_path: Path, name: str) -> None:
    assert cli.main(["site", "new", "--dir", str(tmp_path), "--", name]) == 2
    assert list(tmp_path.iterdir()) == []


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["site", "new", "x", "--dir", str(tmp_path / "deep/er"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "site": "x",
        "path": str(tmp_path / "deep/er/x"),
        "files": ["alerts.yaml", "buildings.yaml", "initiatives.yaml", "nodes.yaml", "site.yaml"],
    }


def test_a_folder_that_can_not_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["site", "new", "x", "--dir", str(tmp_path / "file/x")]) == 1
    assert "Traceback" not in capsys.readouterr().err
