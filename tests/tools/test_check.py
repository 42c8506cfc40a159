import json
import shutil
from pathlib import Path

import pytest

from device_configs.loader import SITES
from tools import cli


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a copy of the demonstration site."""
    shutil.copytree(SITES / "narvik-demo", tmp_path / "narvik-demo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def breaks(folder: Path) -> None:
    file = folder / "narvik-demo/nodes.yaml"
    file.write_text(
        file.read_text().replace("profile: intake", "profile: intaks", 1).replace("id: 12", "id: 11")
    )


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "ok   narvik-demo (demo): 6 nodes (2 energy, 2 intake, 2 snow), 14 rules, 2 buildings",
        "     14 rules nobody has verified for this site",
    ]


def test_what_lora_nodes_will_use(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lora = "lora: {frequency_khz: 869525, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14}\n"
    site, nodes = here / "narvik-demo/site.yaml", here / "narvik-demo/nodes.yaml"
    site.write_text(site.read_text() + lora)
    nodes.write_text(nodes.read_text().replace("carrier: mqtt", "carrier: lora", 1))
    assert cli.main(["check", "./narvik-demo", "--json"]) == 0
    out, err = capsys.readouterr()
    (radio,) = json.loads(out)["sites"][0]["radio"]
    assert (radio["node"], radio["report_bytes"]) == (11, 33)
    assert radio["worst_permille"] > radio["permille"] > 0
    assert "node 11: 33 B and 247 ms a report" in err
    assert "one D cell lasts" in err


LORA = "lora: {frequency_khz: 868100, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14%s}\n"
RELAY = """relay:
  - {site: nord, broker: "gateway.nord.example:8883", name: sor}
  - {site: vest, broker: "192.0.2.7:8883", name: sor, nodes: [61, 62]}
"""


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        (
            ", bridge: heltec-v3",
            [
                "     LoRa: 1 channel at SF9",
                "     bridge: heltec-v3, hears 868.1 MHz at SF9, all of it (`bridge` in gateway.yaml)",
            ],
        ),
        (
            ", bridge: heltec-v3, channels_khz: [868300], fallback_spreading_factor: 12",
            [
                "     LoRa: 2 channels at SF9, and SF12: a concentrator hears all of it"
                " (`packet_forwarder` in gateway.yaml)",
                "     bridge: heltec-v3, hears 868.1 MHz at SF9, nothing else (`bridge` in gateway.yaml)",
            ],
        ),
        (
            "",
            [
                "     LoRa: 1 channel at SF9: a concentrator hears it, or a USB bridge"
                " (`lora: {bridge: BOARD}` in site.yaml)",
            ],
        ),
    ],
)
def test_who_hears_what_nodes_send(
    here: Path, capsys: pytest.CaptureFixture[str], more: str, lines: list[str]
) -> None:
    site = here / "narvik-demo/site.yaml"
    site.write_text(site.read_text() + LORA % more)
    assert cli.main(["check", "./narvik-demo", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines()[2:] == lines
    (found,) = json.loads(out)["sites"]
    assert found["receivers"]["hear_all"][0] == "concentrator"
    assert ("bridge" in found["receivers"]["hear_all"]) == ("channels" not in more)


def test_where_frames_of_other_sites_go(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = here / "narvik-demo/site.yaml"
    site.write_text(site.read_text() + LORA % "" + RELAY)
    assert cli.main(["check", "./narvik-demo", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines()[3:] == [
        "     relay: every frame by radio that none of our nodes sent, to nord at gateway.nord.example:8883,"
        " as relay-sor; it takes relay/nord.password and relay/nord.pem in the state directory",
        "     relay: frames of its nodes 61, 62, to vest at 192.0.2.7:8883, as relay-sor;"
        " it takes relay/vest.password and relay/vest.pem in the state directory",
    ]
    assert [home["nodes"] for home in json.loads(out)["sites"][0]["relay"]] == [[], [61, 62]]


@pytest.mark.parametrize("name", ["all", "narvik-demo", str(SITES / "narvik-demo")])
def test_ways_to_name_a_site(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert cli.main(["check", name, "--json"]) == 0
    out, _ = capsys.readouterr()
    answer = json.loads(out)
    assert answer["ok"] is True
    assert answer["problems"] == []
    assert [site["site"] for site in answer["sites"]] == ["narvik-demo"]
    assert answer["sites"][0]["profiles"] == {"energy": 2, "intake": 2, "snow": 2}


def test_problems(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    breaks(here)
    assert cli.main(["check", "narvik-demo"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "narvik-demo/nodes.yaml:8:14: `profile`: unknown profile `intaks`",
        "        profile: intaks",
        "                 ^",
        "    hint: did you mean `intake`?",
        "",
        "1 problem in 1 file",
    ]


def test_a_folder_goes_before_a_site_that_comes_along(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    breaks(here)
    assert cli.main(["check", "narvik-demo", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["sites"] == []
    assert [(p["file"], p["line"], p["hint"]) for p in answer["problems"]] == [
        ("narvik-demo/nodes.yaml", 8, "did you mean `intake`?")
    ]


def test_good_and_bad_sites_together(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(here / "narvik-demo", here / "good/narvik-demo")
    breaks(here)
    assert cli.main(["check", "narvik-demo", "good/narvik-demo"]) == 3
    err = capsys.readouterr().err
    assert "ok   narvik-demo (demo): 6 nodes" in err
    assert "1 problem in 1 file" in err


def test_nothing_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "bodo"]) == 3
    assert capsys.readouterr().err.startswith(
        "bodo:1:1: no such folder\n    hint: `sensornett site new NAME`"
    )


def test_an_unmanned_hour_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alerts = here / "narvik-demo/alerts.yaml"
    rota = here / "rota.csv"
    rota.write_text("begin,end,recipient,person\n2020-01-01 07:00,2090-01-01 07:00,vei,A\n")
    assert cli.main(["check", "narvik-demo", "--rota", "rota.csv"]) == 3
    assert "no recipient of narvik-demo has `rota: true`" in capsys.readouterr().err
    alerts.write_text(alerts.read_text().replace("  - id: vei\n", "  - id: vei\n    rota: true\n", 1))
    assert cli.main(["check", "narvik-demo", "--rota", "rota.csv"]) == 0
    rota.write_text("begin,end,recipient,person\n2020-01-01 07:00,2021-01-01 07:00,vei,A\n")
    assert cli.main(["check", "narvik-demo", "--rota", "rota.csv"]) == 3
    assert "nobody has duty for `vei` from" in capsys.readouterr().err
    rota.write_text("begin,end\n")
    assert cli.main(["check", "narvik-demo", "--rota", "rota.csv"]) == 3
    assert "column `recipient` is missing" in capsys.readouterr().err


def test_gaugings_that_make_no_curve_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = here / "narvik-demo/nodes.yaml"
    measured = "".join(
        f"        - {{down_mm: {h}, discharge_l_per_s: {900 - h}}}\n" for h in (100, 200, 300, 400)
    )
    old = "      down_zero_mm: -100\n"
    nodes.write_text(nodes.read_text().replace(old, f"{old}      gaugings:\n{measured}", 1))
    assert cli.main(["check", "narvik-demo"]) == 3
    assert "node 11, Taraldsvikelva (demo): `gaugings`" in capsys.readouterr().err
