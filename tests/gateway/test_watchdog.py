"""What systemd hears: nothing before the parts work, nothing any more when one of them is stuck."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import watchdog


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "30000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        yield channel


def heard(systemd: socket.socket) -> list[str]:
    """Return everything that waits in the socket."""
    systemd.setblocking(False)
    found: list[str] = []
    while True:
        try:
            found.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return found


async def test_up_once_it_works_then_alive_again_and_again(systemd: socket.socket) -> None:
    asked = asyncio.Event()
    may = asyncio.Event()

    async def alive() -> None:
        asked.set()
        await may.wait()

    task = asyncio.create_task(watchdog.supervise(alive))
    await asked.wait()
    assert heard(systemd) == []
    may.set()
    told: list[str] = []
    async with asyncio.timeout(60):
        while told.count("WATCHDOG=1") < 3:
            await asyncio.sleep(0.005)
            told += heard(systemd)
    assert told[0] == "READY=1\nWATCHDOG_USEC=30000"
    may.clear()  # stuck
    await asyncio.sleep(0.05)
    heard(systemd)
    await asyncio.sleep(0.1)
    assert heard(systemd) == []
    task.cancel()


async def test_a_service_that_is_not_watched_says_only_that_it_is_up(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", "1")
    watchdog.long_work()

    async def alive() -> None: ...

    await watchdog.supervise(alive)
    assert heard(systemd) == ["READY=1"]


def test_long_work_gives_the_next_start_time(systemd: socket.socket) -> None:
    watchdog.long_work()
    assert heard(systemd) == [f"WATCHDOG_USEC={watchdog.LONG_USEC}"]


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        name = f"sensornett-test-{os.getpid()}"
        channel.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert watchdog.notify("READY=1")
        assert heard(channel) == ["READY=1"]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "vsock:2:1"])
def test_without_systemd_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert not watchdog.notify("READY=1")
    assert watchdog.period_s() is None
