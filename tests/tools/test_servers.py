"""The private servers start, answer, survive what fault tests do to them, and never outlive their parent."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from tools.servers import (
    HOST,
    InfluxDB,
    Mosquitto,
    Server,
    ServerError,
    VictoriaMetrics,
    access_list,
    find_program,
    free_port,
    free_ports,
)

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]
POINT = b"snow,node=11 depth_mm=512i 1700000000"
KINDS: list[type[Server]] = [Mosquitto, InfluxDB, VictoriaMetrics]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    kind: type[Server] = request.param
    with kind(tmp_path / "server") as started:
        yield started


def get(url: str, timeout_s: float = 60.0) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout_s) as answer:
        return bytes(answer.read())


def post(url: str, body: bytes) -> int:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=60) as answer:
        answer.read()  # InfluxDB sends 200 before it carries out a query; its body ends when it is done
        return int(answer.status)


def wait_until(true: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as listener:
        listener.bind((HOST, ports[0]))


def test_a_port_is_given_out_once_among_all_processes() -> None:
    mine = free_port()
    code = (
        "import random; from tools.servers import free_port\n"
        "choice, first = random.choice, []\n"
        "random.choice = lambda ports: first.pop() if first else choice(ports)\n"
        f"first[:] = [{mine}] * 2; one = free_port()\n"
        f"first[:] = [{mine}, one]; print(one, free_port())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    one, other = map(int, done.stdout.split())
    assert len({mine, one, other}) == 3


def test_it_keeps_its_port_over_restart_and_kill(server: Server) -> None:
    port, first = server.port, server.pid
    server.restart()
    second = server.pid
    server.kill()
    assert not server.running
    server.start()
    assert server.port == port
    assert len({first, second, server.pid}) == 3
    server.stop()
    assert server.pid is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=60)


def test_a_paused_server_accepts_but_does_not_answer_until_resumed(tmp_path: Path) -> None:
    with InfluxDB(tmp_path) as server:
        server.pause()
        with pytest.raises((TimeoutError, urllib.error.URLError)):
            get(f"{server.url}/ping", timeout_s=0.2)
        server.resume()
        assert get(f"{server.url}/ping") == b""


def test_a_paused_server_can_be_stopped(server: Server) -> None:
    server.pause()
    server.stop()
    assert not server.running


def test_influxdb_keeps_its_data_when_killed(tmp_path: Path) -> None:
    with InfluxDB(tmp_path) as server:
        query = urllib.parse.urlencode({"q": "create database town"})
        assert post(f"{server.url}/query?{query}", b"") == 200
        assert post(f"{server.url}/write?db=town&precision=s", POINT) == 204
        server.kill()
        server.start()
        query = urllib.parse.urlencode({"db": "town", "q": "select depth_mm from snow"})
        assert b"512" in get(f"{server.url}/query?{query}")


def test_victoria_metrics_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    with VictoriaMetrics(tmp_path) as server:
        assert post(f"{server.url}/write?precision=s", POINT) == 204
        server.restart()
        query = urllib.parse.urlencode({"match[]": "snow_depth_mm", "start": 0})
        assert b"[512]" in get(f"{server.url}/api/v1/export?{query}")


async def test_mosquitto_delivers(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    await asyncio.to_thread(server.start)
    try:
        assert await _delivered(server, "n11", "any", "sn/demo/11/up", listener=("gateway", "any"))
    finally:
        await asyncio.to_thread(server.stop)


async def test_mosquitto_keeps_nodes_to_their_own_topics(tmp_path: Path) -> None:
    credentials = {"gateway": "g-secret", "n11": "eleven", "n12": "twelve"}
    access = [*access_list("demo", [11, 12]), "user gateway", "topic readwrite end"]
    with Mosquitto(tmp_path, credentials=credentials, access=access) as server:
        gateway = ("gateway", "g-secret")
        assert await _delivered(server, "n11", "eleven", "sn/demo/11/up", listener=gateway)
        assert not await _delivered(server, "n11", "eleven", "sn/demo/12/up", listener=gateway)
        with pytest.raises(aiomqtt.MqttError):
            await _delivered(server, "n11", "wrong", "sn/demo/11/up", listener=gateway)
        with pytest.raises(aiomqtt.MqttError):
            await _delivered(server, "n11", "eleven", "sn/demo/11/up", listener=("nobody", ""))
        assert "eleven" not in (tmp_path / "passwords").read_text()

        del credentials["n12"]
        server.credentials = credentials
        server.reload()
        for _ in range(100):  # the broker reloads between two rounds of its loop
            try:
                await _delivered(server, "n12", "twelve", "sn/demo/12/up", listener=gateway)
            except aiomqtt.MqttError:
                break
        else:
            pytest.fail("node 12 still gets in with a credential taken away")


async def _delivered(server: Server, user: str, word: str, topic: str, listener: tuple[str, str]) -> bool:
    """Publish as `user`, then as the listener itself; return whether the listener got the first one."""
    async with aiomqtt.Client(HOST, server.port, username=listener[0], password=listener[1]) as gateway:
        await gateway.subscribe("sn/demo/+/up")
        await gateway.subscribe("end")
        async with aiomqtt.Client(HOST, server.port, username=user, password=word, identifier=user) as node:
            # The answer to a QoS 1 publication says that the broker is done with it, delivered or not.
            await node.publish(topic, b"frame", qos=1)
        await gateway.publish("end", b"end", qos=1)
        message = await asyncio.wait_for(anext(gateway.messages), 60)
        return message.payload == b"frame"


def test_a_taken_port_is_named_with_the_servers_own_words(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        server = VictoriaMetrics(tmp_path, port=other.getsockname()[1])
        with pytest.raises(ServerError, match="other programs keep taking its ports"):
            server.start()
        assert not server.running


def test_a_server_that_cannot_start_quotes_its_log(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path, settings=["no_such_setting true"])
    with pytest.raises(ServerError, match="no_such_setting"):
        server.start()
    server.stop()


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServerError, match="apt-get install some-package"):
        find_program("no-such-program", "some-package")


def test_it_has_no_port_before_its_first_start(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="no port"):
        _ = Mosquitto(tmp_path).port


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_dies_with_its_parent(kind: type[Server], tmp_path: Path) -> None:
    script = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        f"from tools.servers import {kind.__name__}\n"
        f"server = {kind.__name__}(Path(sys.argv[1]))\n"
        # A thread that ends must not take the server with it.
        "starter = threading.Thread(target=server.start); starter.start(); starter.join()\n"
        "time.sleep(0.1)\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    parent = subprocess.Popen(argv, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
        assert wait_until(lambda: not alive(pid))
    finally:
        parent.kill()
        parent.communicate()


def test_a_fixed_port_is_used(tmp_path: Path) -> None:
    port = free_port()
    with Mosquitto(tmp_path, port=port) as server:
        assert server.port == port
