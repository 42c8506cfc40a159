"""The bench stage for several boards: side by side, in the order of the ports, each with its own trouble."""

import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from device_configs.loader import SITES, load_site
from tools.node import bench
from tools.node.credentials import Credentials
from tools.node.look import Found
from tools.node.progress import Abreast, Progress
from tools.node.provision import Result, Workshop
from tools.node.registry import Registry
from tools.node.trouble import Trouble
from tools.node.words import Words

SITE = load_site(SITES / "narvik-demo")
SNOW = [node for node in SITE.nodes if node.board == "heltec-v3"]
PATIENT_S = 60


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shop_in(folder: Path, stream: io.StringIO) -> Workshop:
    progress = Progress(Words("en"), stream)
    credentials = Credentials(folder, SITE.id)
    return Workshop(SITE, folder, Registry(folder), credentials, None, {}, folder, folder, progress)


def found_on(port: str) -> Found:
    if port == "/dev/gone":
        raise Trouble("unplugged", port=port)
    return Found(port, "esp32s3", f"02{port[-1]}")


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ports: Sequence[str], make: Any, nodes: Any = SNOW
) -> tuple[bench.Afternoon, str]:
    screen = Screen()
    monkeypatch.setattr(bench, "look", found_on)
    monkeypatch.setattr(bench, "provision", make)
    return bench.run_bench(shop_in(folder, screen), nodes, ports), screen.getvalue()


def test_boards_are_made_at_the_same_time_and_in_the_order_of_their_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_at_work = threading.Barrier(2)

    def make(shop: Workshop, node: Any, port: str, found: Found) -> Result:
        with shop.progress.stage("firmware"):
            all_at_work.wait(PATIENT_S)  # broken, were one of them to wait for the other
        shop.registry.begin(node.id, found.mac, found.chip, node.board)
        shop.credentials.password(node.id)
        shop.registry.advance(node.id, "shelved")
        return Result(node.id, "provisioned", found.mac)

    done, screen = run(tmp_path, monkeypatch, ["/dev/tty1", "/dev/gone", "/dev/tty2"], make)
    assert {number: result.mac for number, result in done.results.items()} == {
        SNOW[0].id: "021",
        SNOW[1].id: "022",
    }
    assert {port: trouble.key for port, trouble in done.troubles.items()} == {"/dev/gone": "unplugged"}
    assert done.left == [node.id for node in SNOW[2:]]
    registry = json.loads((tmp_path / "nodes.json").read_text())["nodes"]
    assert {entry["stage"] for entry in registry.values()} == {"shelved"}
    users = json.loads((tmp_path / "broker.json").read_text())["users"]
    assert {f"n{SNOW[0].id}", f"n{SNOW[1].id}"} <= set(users)
    assert "✓" in screen
    assert "tty1: " in screen
    assert "tty2: " in screen


def test_a_board_that_broke_off_is_the_same_node_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(shop: Workshop, node: Any, port: str, found: Found) -> Result:
        shop.registry.begin(node.id, found.mac, found.chip, node.board)
        raise Trouble("unplugged", port=port)

    first, _ = run(tmp_path, monkeypatch, ["/dev/tty1", "/dev/tty2"], make)
    assert first.results == {}

    def finish(shop: Workshop, node: Any, port: str, found: Found) -> Result:
        shop.registry.advance(node.id, "shelved")
        return Result(node.id, "provisioned", found.mac)

    again, _ = run(tmp_path, monkeypatch, ["/dev/tty2", "/dev/tty1"], finish)
    assert {number: result.mac for number, result in again.results.items()} == {
        SNOW[0].id: "021",
        SNOW[1].id: "022",
    }


def test_more_boards_than_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(shop: Workshop, node: Any, port: str, found: Found) -> Result:
        return Result(node.id, "provisioned", found.mac)

    done, _ = run(tmp_path, monkeypatch, ["/dev/tty1", "/dev/tty2"], make, SNOW[:1])
    assert list(done.results) == [SNOW[0].id]
    assert done.troubles["/dev/tty2"].key == "no_node_left"


def test_the_last_line_shows_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    abreast = Abreast(Progress(Words("en"), screen))
    one, other = abreast.of("ttyUSB0"), abreast.of("ttyUSB1")
    with one.stage("firmware"), other.stage("settings"):
        other.part(0.25)
        assert screen.getvalue().rsplit("\r", 1)[-1] == "  … ttyUSB0, ttyUSB1 25%"
    assert screen.getvalue().rsplit("\r", 1)[-1] == ""
    one.say("done")
    assert screen.getvalue().endswith("ttyUSB0: done\n")
