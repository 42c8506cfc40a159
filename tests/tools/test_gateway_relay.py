"""Letting another site's gateway in at the broker."""

import json
from pathlib import Path

from typer.testing import CliRunner

from device_configs.loader import SITES
from tools.gateway_command import app
from tools.node.credentials import Credentials

SITE = str(SITES / "narvik-demo")


def test_each_call_draws_a_password_and_the_last_one_counts(tmp_path: Path) -> None:
    Credentials(tmp_path, "narvik-demo").password(11)
    words = ["relay", "sor", "--site", SITE, "--state", str(tmp_path)]
    drawn = [json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout) for _ in range(2)]
    assert [one["user"] for one in drawn] == ["relay-sor"] * 2
    assert drawn[0]["password"] != drawn[1]["password"]
    kept = json.loads((tmp_path / "broker.json").read_text())["users"]
    assert kept["relay-sor"] == drawn[1]["password"]
    access = (tmp_path / "broker" / "access").read_text()
    assert "user relay-sor\ntopic write sn/narvik-demo/relay/sor/up\n" in access
    assert "user n11\n" in access
    told = CliRunner().invoke(app, words)
    assert "relay/narvik-demo.password" in told.stderr
    assert told.stdout.strip() == json.loads((tmp_path / "broker.json").read_text())["users"]["relay-sor"]


def test_a_name_that_would_be_no_topic_is_refused(tmp_path: Path) -> None:
    for name in ("+", "a/b", "#", "Sør", "9"):
        done = CliRunner().invoke(app, ["relay", name, "--site", SITE, "--state", str(tmp_path)])
        assert done.exit_code == 2, name
    assert not list(tmp_path.iterdir())
