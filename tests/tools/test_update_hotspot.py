"""`sensornett update hotspot` as a technician types it, with a node that comes; what is refused before."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.firmware.hotspot_lab import BOARD, KEY, PASSWORD, SNOW, WAIT_S, Offer, hotspot_lab, press_until
from tests.firmware.radio_lab import RadioLab
from tools import cli
from tools.node.network import FILE
from tools.node.registry import Registry
from tools.servers import free_port
from tools.update import signing

ROOT = Path(__file__).parents[2]


def prepare(lab: RadioLab, folder: Path) -> list[str]:
    """Put the offer and the state where a technician has them; return the command's words."""
    offer = Offer(lab)
    (folder / "7.signed").write_bytes(offer.signed)
    (folder / "7.bundle").write_bytes(offer.bundle)
    (lab.state / "update-keys").mkdir()
    (lab.state / "update-keys" / "1.pub").write_text(signing.public_of(KEY) + "\n")
    (lab.state / FILE).write_text(
        f"hotspot: {{password: {PASSWORD}, port: {lab.settings['hotspot']['port']}}}\n"
    )
    Registry(lab.state).begin(SNOW, "020000000001", "esp32s3", BOARD)
    where = ["--site", str(lab.site_path), "--state", str(lab.state)]
    return ["update", "hotspot", str(folder / "7.signed"), *where, "--lang", "en"]


@pytest.mark.servers
async def test_a_node_comes_takes_it_and_is_confirmed_by_radio(tmp_path: Path) -> None:
    async with hotspot_lab(tmp_path / "lab") as lab:
        command = prepare(lab, tmp_path)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tools.cli", *command, "--json"),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr
        try:
            async with asyncio.timeout(2 * WAIT_S):
                said = [await process.stderr.readline(), await process.stderr.readline()]
                assert b"sensornett-service" in said[0]
                assert b"hold the button" in said[1]
                await press_until(lab, "update 7: on trial")
                waiting = asyncio.create_task(process.communicate())
                while not waiting.done():
                    await lab.clock.sleep(60)
                    await asyncio.sleep(0.1)
                told, more = await waiting
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, more.decode()
    assert json.loads(told) == {"ok": True, "version": "0.2.0", "nodes": {"21": "confirmed"}}
    assert "Node 21 runs it, and the gateway has answered." in more.decode()
    assert PASSWORD not in b"".join([*said, more]).decode()


@pytest.fixture
async def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, ready to be given; its node is never switched on."""
    monkeypatch.setenv("COLUMNS", "200")
    lab = RadioLab(tmp_path / "lab", SNOW, changes={"hotspot": {"port": free_port()}})
    lab.state.mkdir()
    await lab.board.close()
    return prepare(lab, tmp_path)


def state_of(command: list[str]) -> Path:
    return Path(command[command.index("--state") + 1])


def given(command: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = cli.main(command)
    return status, capsys.readouterr().err


@pytest.mark.servers
def test_ctrl_c_while_nobody_came(typed: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "tools.cli", *typed, "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        assert "is ready for: 21" in process.stderr.readline()
        assert "hold the button" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told, more = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "These nodes do not run it yet, as far as is known here: 21." in more
    assert json.loads(told) == {"ok": False, "version": "0.2.0", "nodes": {"21": "waiting"}}


def test_without_a_hotspot_it_draws_a_password(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (state_of(typed) / FILE).unlink()
    drawn = set()
    for _ in range(2):
        status, said = given(typed, capsys)
        assert status == 3
        (line,) = re.findall(r"hotspot: {password: \"(.{16})\"}", said)
        drawn.add(line)
    assert len(drawn) == 2


def test_a_misspelt_state_directory_is_no_missing_hotspot(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed[typed.index("--state") + 1] += "x"
    status, said = given(typed, capsys)
    assert (status, "There is no folder" in said) == (3, True)


def test_the_port_is_taken(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    port = int(re.findall(r"port: (\d+)", (state_of(typed) / FILE).read_text())[0])
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        status, said = given(typed, capsys)
    assert (status, f"Another program has TCP port {port}" in said) == (6, True)
