"""What the demo says while it waits, and what Ctrl-C does."""

import asyncio
import os
import signal
import socket

import pytest

from tools.demo import PortTaken, _interrupt_ends, check_port, main, waiting_text
from tools.servers import HOST, free_port


@pytest.mark.parametrize(
    ("names", "left_s", "text"),
    [
        (
            ["Fagernes", "Skistua"],
            41.4,
            "4 of 6 nodes are done, waiting for Fagernes and 1 more: about 41 s",
        ),
        (
            ["Skistua"],
            0.4,
            "5 of 6 nodes are done, waiting for Skistua: longer than usual, but nothing is lost",
        ),
        ([], 30.0, ""),
    ],
)
def test_who_is_waited_for_and_how_long(names: list[str], left_s: float, text: str) -> None:
    assert waiting_text(names, 6, left_s).strip() == text


async def test_the_first_interrupt_ends_the_watching_and_the_next_one_everything() -> None:
    async def demo() -> None:
        with _interrupt_ends() as ended:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.wait_for(ended.wait(), 60)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)
        pytest.fail("the second interrupt did nothing")

    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(demo())
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


def test_a_port_that_is_taken_is_told_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    check_port(free_port())
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port}.*--page {port % 65535 + 1}"):
            check_port(port)
        assert main(["--page", str(port)]) == 1
    assert "cannot be had" in capsys.readouterr().err


def test_a_report_that_could_not_be_written_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--report", "/nowhere/report.json"])
    assert end.value.code == 2
    assert "there is no folder /nowhere" in capsys.readouterr().err
