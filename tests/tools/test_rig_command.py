"""The command around the bench: list, check, run."""

import json
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from hardware.bench_file import BENCHES
from hardware.report import Result, keep
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.listener import VirtualAttenuator
from hardware.virtual.radio.medium import Antenna, Medium
from tests.hardware.attenuator_board import AttenuatorOnBench
from tests.hardware.instruments import running_board
from tests.tools.node.bench import program
from tools import cli
from tools.firmware_image import compiled
from tools.rig_check import looks


def test_list_names_each_bench_and_its_instruments(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rig", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["benches"]
    assert found.keys() == {path.stem for path in BENCHES.glob("*.yaml")}
    assert found["virtual"].endswith("stimulus, meter, radio, attenuator")
    assert "stimulus" not in found["example"]


def test_check_walks_the_virtual_board_to_sleep(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rig", "check", "virtual", "--flash", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [look["what"] for look in said["looks"]] == [
        "console", "power", "meter", "stimulus", "radio", "attenuator", "board",
    ]  # fmt: skip


def test_check_says_what_is_missing_of_a_real_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rig", "check", "example"]) == 4
    said = capsys.readouterr().err
    assert "MISSING console: /dev/serial/by-id/" in said
    assert "MISSING power: /dev/hidraw0 is not there" in said
    assert "stimulus: this bench has none; tests that need it are skipped" in said
    assert "attenuator: this bench has none; tests that need it are skipped" in said
    assert "Traceback" not in said


def test_check_of_a_wrong_file_gives_place_and_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "virtual.yaml"
    path.write_text((BENCHES / "virtual.yaml").read_text().replace("console:", "consol:"))
    assert cli.main(["rig", "check", str(path)]) == 3
    said = capsys.readouterr().err
    assert f"{path}:6:1: unknown key `consol`" in said
    assert "did you mean `console`?" in said


def test_check_says_that_a_loss_is_too_small_for_the_range_test(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VirtualAttenuator, "most_db", 31.75)
    assert cli.main(["rig", "check", "virtual"]) == 4
    said = capsys.readouterr().err
    assert "ok      radio: listens to 868.3 MHz with SF7; 30 dB of pads and cables before it" in said
    assert "MISSING attenuator: 61.75 dB in all do not silence the board: the range test needs 145" in said


REAL = """
name: ports
site: narvik-demo
node: 11
network: {{ssid: bench, host: 127.0.0.1, port: 1883}}
console: {{kind: serial, port: {0}/board/ports/dut}}
power: {{kind: usb_port, port: {0}/hub}}
flasher: {{kind: esptool, image: micropython.bin}}
radio: {{kind: lora_bridge, port: {0}/ttyUSB1, fixed_db: 34}}
attenuator: {{kind: step_attenuator, port: {0}/ttyUSB2, model: dc-6ghz-120db}}
"""


async def test_check_uses_each_instrument_of_a_real_bench(tmp_path: Path) -> None:
    """All of them on ports of this machine, with simulated ones behind, which speak their protocols."""
    board = running_board(tmp_path / "board", b"import time\nwhile True: time.sleep(1)")
    kind = builtin_catalog().boards["heltec-v3"]
    antenna = Antenna("bridge", Medium(RealClock()))
    bridge = VirtualBridge(tmp_path / "bridge", tmp_path / "ttyUSB1", antenna, kind, compiled())
    attenuator = AttenuatorOnBench(tmp_path / "ttyUSB2")
    (tmp_path / "micropython.bin").write_bytes(program("esp32"))
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub/disable").write_text("0\n")
    path = tmp_path / "ports.yaml"
    path.write_text(REAL.format(tmp_path))
    await board.plug()
    await bridge.plug()
    try:
        found = {look.what: look for look in await looks(path, flash=False)}
    finally:
        attenuator.port.unplug()
        await bridge.close()
        await board.close()
    assert all(look.well for look in found.values()), found
    assert found["radio"].text == "listens to 868.3 MHz with SF7; 34 dB of pads and cables before it"
    assert found["attenuator"].text == "goes to 124.75 dB and back, in steps of 0.25 dB"
    assert {b"att-124.75", b"att-000.00"} <= set(attenuator.lines)
    assert attenuator.db == 0


@pytest.mark.servers
def test_run_runs_the_suite_and_keeps_console_and_report(tmp_path: Path) -> None:
    assert cli.main(["rig", "run", "virtual", "--only", "cold_boot", "--artefacts", str(tmp_path)]) == 0
    (log,) = tmp_path.glob("*cold_boot*/console.log")
    assert log.read_text().startswith("cold boot 1 ")
    assert 'failures="0"' in (tmp_path / "junit.xml").read_text()


@pytest.mark.servers
def test_burn_in_takes_as_long_as_asked_for_and_tells_each_hour(tmp_path: Path) -> None:
    kept = ["--artefacts", str(tmp_path)]
    assert cli.main(["rig", "run", "virtual", "--burn-in", "--burn-in-hours", "0.1", *kept]) == 0
    assert [path.parent.name for path in tmp_path.glob("*/console.log")] == ["test_burn_in"]
    (only,) = json.loads((tmp_path / "test_burn_in/hours.json").read_text())
    assert 4 <= only["records"] <= 7


def test_report_is_made_anew_or_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["rig", "report", str(tmp_path)]) == 1
    assert "Run the suite with --artefacts" in capsys.readouterr().err
    keep(tmp_path, "small", [Result("t.py::test_boots", "passed", 1.0, "", "")])
    (tmp_path / "report.html").unlink()
    assert cli.main(["rig", "report", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "report": str(tmp_path / "report.html")}
    assert (tmp_path / "report.html").exists()
