"""What a technician is told of a bench: what is there, missing, wrong, or not what it seems."""

import json
from pathlib import Path

import pytest

from hardware.bench_file import BENCHES
from hardware.rig import APPEARS_S, locked
from hardware.virtual.radio.listener import VirtualAttenuator
from tests.hardware.real_bench import RealBench
from tests.tools.node.bench import program, run
from tools import cli, rig_check

PORTS = """\
name: ports
site: narvik-demo
node: 11
network: {{ssid: bench, host: 127.0.0.1, port: 1883}}
console: {{kind: serial, port: {0}/tty0}}
power: {{kind: usb_relay, device: {0}/hidraw0, relay: 1}}
flasher: {{kind: esptool, image: micropython.bin}}
stimulus: {{kind: stimulus_board, port: {0}/tty1}}
"""


def told(path: Path, capsys: pytest.CaptureFixture[str], status: int = 4) -> str:
    """Check a bench; return what was said."""
    assert cli.main(["rig", "check", str(path)]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_what_is_not_there_is_told_beside_what_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ports.yaml"
    path.write_text(PORTS.format(tmp_path))
    (tmp_path / "tty7").symlink_to("/dev/null")
    said = told(path, capsys)
    for device in ("tty0", "hidraw0", "tty1"):
        assert f"{tmp_path}/{device} is not there: is it plugged in, is the path right? " in said
    assert f"In {tmp_path} there are: tty7" in said
    assert (
        f"MISSING flasher: {tmp_path}/micropython.bin is not there: fetch MicroPython for the esp32" in said
    )


def test_what_is_no_device_and_what_may_not_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ports.yaml"
    path.write_text(PORTS.format(tmp_path))
    (tmp_path / "tty0").touch()
    (tmp_path / "hidraw0").symlink_to("/dev/null")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    said = told(path, capsys)
    assert f"MISSING console: {tmp_path}/tty0 is no device" in said
    assert f"MISSING power: {tmp_path}/hidraw0 may not be opened by this user: see hardware/README.md" in said


@pytest.mark.parametrize(
    ("content", "well"),
    [(program("esp32"), True), (program("esp32s3"), False), (b"<html>not found</html>", False), (b"", False)],
)
def test_an_image_has_to_be_for_the_boards_chip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, well: bool
) -> None:
    (tmp_path / "micropython.bin").write_bytes(content)
    path = tmp_path / "ports.yaml"
    path.write_text(PORTS.format(tmp_path))
    said = told(path, capsys)
    assert ("for the esp32" in said) == well
    assert ("is no program for the board's chip, esp32: fetch MicroPython for it" in said) != well


def test_a_bench_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "virtual.yaml"
    path.write_text((BENCHES / "virtual.yaml").read_text())
    with locked(path):
        assert "MISSING bench: bench virtual is in use: wait until the other run has ended" in told(
            path, capsys
        )
    told(path, capsys, status=0)  # a lock ends with whoever held it


def test_a_loss_that_is_too_small_for_the_range_test_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VirtualAttenuator, "most_db", 31.75)
    path = tmp_path / "virtual.yaml"  # its own: another test beside this one may hold the project's
    path.write_text((BENCHES / "virtual.yaml").read_text())
    said = told(path, capsys)
    assert "ok      radio: listens to 868.3 MHz with SF7; 30 dB of pads and cables before it" in said
    assert "MISSING attenuator: 61.75 dB in all do not silence the board: the range test needs 145" in said


@pytest.mark.parametrize("printed", ["", "\ufffd" * 40, "rst:0x1 (POWERON_RESET)\n"])
def test_what_the_board_prints_is_judged(printed: str) -> None:
    look = rig_check._console(printed)
    assert look.well == ("\ufffd" not in printed)
    assert ("nothing" in look.text) == (not printed)


async def test_each_instrument_of_a_real_bench_is_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them on ports of this machine, with simulated ones behind, which speak their protocols."""
    async with RealBench(tmp_path) as bench:
        with monkeypatch.context() as quickly:
            quickly.setattr(rig_check, "LISTEN_S", 0.1)
            said = await run(capfd, "rig", "check", str(bench.path), "--json")
        assert said.status == 0, said.err
        found = {look["what"]: look["text"] for look in json.loads(said.out)["looks"]}
        assert found["console"].startswith("open; the board printed ")
        assert found["power"] == "switched off and on"
        assert found["stimulus"] == "plays down, up"
        assert found["radio"] == "listens to 868.3 MHz with SF7; 34 dB of pads and cables before it"
        assert found["attenuator"] == "goes to 124.75 dB and back, in steps of 0.25 dB"
        assert {b"att-124.75", b"att-000.00"} <= set(bench.attenuator.lines)
        assert bench.attenuator.db == 0

        bench.hub_switches = False
        bench.path.write_text("\n".join(bench.path.read_text().splitlines()[:7]) + "\n")  # up to the flasher
        await bench.board.supply(True)
        said = await run(capfd, "rig", "check", str(bench.path))
        assert said.status == 4
        wanted = (
            "MISSING power: it was switched off, and the board goes on printing: does it switch this board"
        )
        assert wanted in said.err


async def test_a_port_that_comes_with_the_boards_supply_is_waited_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run leaves the board off: the next has to find it all the same."""
    monkeypatch.setattr(rig_check, "LISTEN_S", 0.1)
    async with RealBench(tmp_path, usb_only=True) as bench:
        bench.path.write_text("\n".join(bench.path.read_text().splitlines()[:7]) + "\n")
        for _ in range(2):
            said = await run(capfd, "rig", "check", str(bench.path))
            assert said.status == 0, said.err
        text = bench.path.read_text()
        bench.path.write_text(text.replace("ttyUSB0", "ttyUSB9"))
        monkeypatch.setattr("hardware.rig.APPEARS_S", APPEARS_S / 20)
        said = await run(capfd, "rig", "check", str(bench.path))
        assert said.status == 4
        assert "ttyUSB9 is not there, with the board's supply on: is it plugged in" in said.err
