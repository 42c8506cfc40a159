"""`sensornett node`: what it says where no board is at hand."""

import json
from pathlib import Path

import pytest

from device_configs.loader import SITES
from tools import cli
from tools.node.registry import Registry
from tools.radio_site import by_radio

DEMO = ["--site", "narvik-demo"]


def test_plan_counts_parts_and_orders(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["node", "plan", *DEMO, "--json", "--lang", "nb"]) == 0
    said = capsys.readouterr()
    plan = json.loads(said.out)
    assert plan["parts"]["Heltec WiFi LoRa 32 V3"] == 2
    assert plan["han_orders"] == ["Rådhuset (demo)", "Idrettens hus (demo)"]
    assert "Bestill åpning av HAN-porten" in said.err
    assert "21  Skistua (demo): snow, heltec-v3, over Wi-Fi" in said.err


def test_plan_counts_the_bridge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = by_radio(SITES / "narvik-demo", tmp_path)
    assert cli.main(["node", "plan", "--site", str(site), "--json", "--lang", "en"]) == 0
    said = capsys.readouterr()
    plan = json.loads(said.out)
    assert (plan["bridge"], plan["parts"]["Heltec WiFi LoRa 32 V3"]) == ("heltec-v3", 3)
    assert "The gateway hears by a USB bridge: heltec-v3" in said.err
    assert "over LoRa" in said.err


def test_list_without_a_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["node", "list", "--ports", str(tmp_path), "--json", "--lang", "en"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["boards"] == []
    assert "No board is connected" in said.err


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["provision", "99", *DEMO, "--port", "nowhere"], 3, "has no node 99"),
        (["provision", "21", *DEMO, "--port", "nowhere"], 4, "nowhere does not exist"),
        (["provision", "21", "--site", "nowhere"], 3, "no such folder"),
        (["label", "21", *DEMO], 1, "has no board yet"),
        (["provision", "mast", *DEMO], 2, "neither the number of a node nor `bridge`"),
        (["provision", "bridge", *DEMO, "--port", "nowhere"], 3, "names no board for the bridge"),
        (["bench", *DEMO, "--nodes", "21,x"], 2, "is no list of nodes' numbers"),
        (["settings", "21", *DEMO], 1, "has no board yet"),
        (["commission", "21", *DEMO], 1, "There is no store.db"),
        (["flash", "esp8266", "--port", "nowhere"], 2, "one of: esp32, esp32s3"),
        (
            ["flash", "esp32", "--port", "nowhere", "--images", "none"],
            3,
            "There is no MicroPython for the esp32",
        ),
        (["selftest", "--port", "nowhere"], 4, "nowhere does not exist"),
    ],
)
def test_each_trouble_has_words_and_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, text: str
) -> None:
    state = [] if words[0] in {"flash", "selftest"} else ["--state", str(tmp_path)]
    assert cli.main(["node", *words, *state, "--lang", "en"]) == status
    said = capsys.readouterr().err
    assert text in said
    assert "Traceback" not in said


def test_forget_revokes_without_the_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Registry(tmp_path).begin(21, "aa", "esp32s3", "heltec-v3")
    (tmp_path / "keys.json").write_text('{"nodes": {"21": "00112233445566778899aabbccddeeff"}}')
    (tmp_path / "keys.json").chmod(0o600)
    assert cli.main(["node", "forget", "21", *DEMO, "--state", str(tmp_path), "--lang", "en"]) == 0
    assert json.loads((tmp_path / "keys.json").read_text()) == {"nodes": {}}
    assert "The board itself was not at hand" in capsys.readouterr().err
    audit = (tmp_path / "audit.jsonl").read_text()
    assert cli.main(["node", "forget", "21", *DEMO, "--state", str(tmp_path), "--lang", "en"]) == 0
    assert "nothing was changed" in capsys.readouterr().err
    assert (tmp_path / "audit.jsonl").read_text() == audit
    assert cli.main(["node", "forget", "99", *DEMO, "--state", str(tmp_path), "--lang", "en"]) == 3
    assert "has no node 99" in capsys.readouterr().err
