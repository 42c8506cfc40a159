"""Private Mosquitto, InfluxDB 1.6 and VictoriaMetrics servers for the demo, the benchmarks and the tests.

Each runs on free ports of 127.0.0.1 with everything it writes below one directory, keeps its ports and
its data over a restart, and dies with the process that started it. The calls block; in a coroutine use
`await asyncio.to_thread(server.start)`.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Self

HOST = "127.0.0.1"
# Below the range Linux hands out for outgoing connections, so that the port of a server that is down for
# a fault test is not taken by somebody's connection meanwhile.
_PORTS = range(20000, 32768)
_START_ATTEMPTS = 8

# A child's parent-death signal fires when the *thread* that started it ends, so one thread that lives as
# long as the process starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


class ServerError(RuntimeError):
    """A server is not installed, does not start, does not answer or does not stop."""


def free_ports(count: int) -> list[int]:
    """Return `count` different TCP ports of 127.0.0.1 on which nothing listens at the moment."""
    found: list[int] = []
    held: list[socket.socket] = []
    try:
        for _ in range(1000):
            port = random.choice(_PORTS)  # noqa: S311
            probe = socket.socket()
            held.append(probe)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    finally:
        for probe in held:
            probe.close()
    raise ServerError(f"no {count} free ports between {_PORTS.start} and {_PORTS.stop} on {HOST}")


def free_port() -> int:
    """Return one TCP port of 127.0.0.1 on which nothing listens at the moment."""
    return free_ports(1)[0]


class Server:
    """One private server. `directory` holds its configuration, its data and its log.

    `port` is chosen at the first start unless given, and stays. Use it as a context manager, or pair
    `start()` with `stop()`. Every method raises ServerError when the program does not do as asked.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    package: ClassVar[str]
    extra_ports: ClassVar[int] = 0

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.log_path = directory / f"{self.name}.log"
        self._given_port = port
        self._ports: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port it serves on."""
        if not self._ports:
            raise ServerError(f"{self.name} has no port before its first start")
        return self._ports[0]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs (paused included), else None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self, timeout_s: float = 30.0) -> None:
        """Start it and return once it answers."""
        if self.running:
            return
        program = find_program(self.program, self.package)
        self.directory.mkdir(parents=True, exist_ok=True)
        settled = bool(self._ports)
        deadline = time.monotonic() + timeout_s
        for _ in range(_START_ATTEMPTS):
            if not settled:
                extra = free_ports(1 + self.extra_ports)
                self._ports = [self._given_port or extra[0], *extra[1:]]
            log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
            self._process = self._spawn([program, *self._arguments()])
            if self._wait_until_ready(self._process, deadline):
                return
            log = self._log(log_start)
            if "address already in use" not in log.lower():
                raise ServerError(
                    f"{self.name} ended with status {self._process.returncode} when started:\n{_tail(log)}"
                )
            time.sleep(0.1)
        ports = ", ".join(map(str, self._ports))
        raise ServerError(f"{self.name}: other programs keep taking its ports on {HOST} (last {ports})")

    def stop(self, timeout_s: float = 15.0) -> None:
        """End it in order (SIGTERM; SIGKILL when it has not ended after `timeout_s`)."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a power cut of its machine would (its files stay as the kernel has them)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self, timeout_s: float = 30.0) -> None:
        """Stop it if it runs and start it on the same port with the same data."""
        self.stop()
        self.start(timeout_s)

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel, nothing answers."""
        process = self._signal(signal.SIGSTOP)
        while process.poll() is None and not _all_threads_stopped(process.pid):
            time.sleep(0.001)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT)

    def log_tail(self, lines: int = 15) -> str:
        return _tail(self._log(0), lines)

    def _arguments(self) -> Sequence[str]:
        """Write what it reads at start; return the program's arguments."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether it serves, asked once it listens."""
        return True

    def _signal(self, number: signal.Signals) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise ServerError(f"{self.name} does not run:\n{self.log_tail()}")
        self._process.send_signal(number)
        return self._process

    def _spawn(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        setpriv = find_program("setpriv", "util-linux")
        # Variables such as INFLUXDB_HTTP_BIND_ADDRESS would override the private configuration.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("INFLUXDB_")}
        with self.log_path.open("ab") as log:
            return _starter.submit(
                subprocess.Popen,
                [setpriv, "--pdeathsig", "KILL", "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the parent, which stops its servers in its own order
            ).result()

    def _wait_until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Return True once it answers, False when it has ended."""
        while process.poll() is None:
            if _listens(process.pid, self.port) and self._answers():
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.name} does not answer on port {self.port}:\n{self.log_tail()}")
            time.sleep(0.02)
        return False

    def _log(self, start: int) -> str:
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")


class Mosquitto(Server):
    """A private MQTT broker (Mosquitto 2).

    credentials: user -> password; without them everybody may connect. access: the lines of its ACL file
    (see `access_list`); without them everybody may use every topic. settings: further configuration lines.
    """

    name = "mosquitto"
    program = "mosquitto"
    package = "mosquitto"

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        credentials: Mapping[str, str] | None = None,
        access: Iterable[str] | None = None,
        settings: Iterable[str] = (),
    ) -> None:
        super().__init__(directory, port)
        self.credentials = dict(credentials) if credentials is not None else None
        self.access = list(access) if access is not None else None
        self.settings = list(settings)

    def reload(self) -> None:
        """Apply changed `credentials` and `access` without a restart (revoking one, say)."""
        self._write_access()
        self._signal(signal.SIGHUP)

    def _arguments(self) -> Sequence[str]:
        lines = [
            f"listener {self.port} {HOST}",
            # As root it would become the user `mosquitto`, who cannot read this directory; the change of
            # user would also take away the parent-death signal.
            f"user {pwd.getpwuid(os.geteuid()).pw_name}",
            "persistence false",
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            f"allow_anonymous {'true' if self.credentials is None else 'false'}",
        ]
        if self.credentials is not None:
            lines.append(f"password_file {self.directory / 'passwords'}")
        if self.access is not None:
            lines.append(f"acl_file {self.directory / 'access'}")
        self._write_access()
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text("\n".join([*lines, *self.settings, ""]))
        return ["-c", str(configuration)]

    def _write_access(self) -> None:
        if self.access is not None:
            _write_private(self.directory / "access", "\n".join([*self.access, ""]))
        if self.credentials is not None:
            passwords = self.directory / "passwords.new"
            _write_private(passwords, "".join(f"{u}:{p}\n" for u, p in self.credentials.items()))
            if self.credentials:
                hasher = find_program("mosquitto_passwd", self.package)
                done = subprocess.run([hasher, "-U", passwords], capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise ServerError(f"mosquitto_passwd cannot hash the passwords: {done.stderr.strip()}")
            passwords.replace(self.directory / "passwords")


def access_list(site: str, nodes: Iterable[int], gateway: str = "gateway") -> list[str]:
    """Return the ACL lines that let each node (user `n<id>`) use its own topics only, and the gateway all."""
    lines = [f"user {gateway}", f"topic read sn/{site}/+/up", f"topic write sn/{site}/+/down"]
    for node in nodes:
        lines += [f"user n{node}", f"topic write sn/{site}/{node}/up", f"topic read sn/{site}/{node}/down"]
    return lines


class InfluxDB(Server):
    """A private InfluxDB 1.6, without authentication."""

    name = "influxdb"
    program = "influxd"
    package = "influxdb"
    extra_ports = 1  # backup and restore; it listens there whether one wants it or not

    def _arguments(self) -> Sequence[str]:
        folders = {part: self.directory / part for part in ("meta", "data", "wal")}
        configuration = self.directory / "influxdb.conf"
        configuration.write_text(
            f"""\
reporting-disabled = true
bind-address = "{HOST}:{self._ports[1]}"

[meta]
dir = "{folders["meta"]}"

[data]
dir = "{folders["data"]}"
wal-dir = "{folders["wal"]}"
query-log-enabled = false

[monitor]
store-enabled = false

[http]
bind-address = "{HOST}:{self.port}"
log-enabled = false
pprof-enabled = false

[logging]
suppress-logo = true
"""
        )
        return ["-config", str(configuration)]

    def _answers(self) -> bool:
        return _http_ok(f"{self.url}/ping")


class VictoriaMetrics(Server):
    """A private VictoriaMetrics that keeps everything and shows a point written twice once."""

    name = "victoria-metrics"
    program = "victoria-metrics"
    package = "victoria-metrics"

    def _arguments(self) -> Sequence[str]:
        return [
            "-retentionPeriod=100y",
            f"-storageDataPath={self.directory / 'data'}",
            f"-httpListenAddr={HOST}:{self.port}",
            # Without this a point sent again is stored and returned once more.
            "-dedup.minScrapeInterval=1ms",
        ]

    def _answers(self) -> bool:
        return _http_ok(f"{self.url}/health")


def find_program(program: str, package: str) -> str:
    """Return the path of an installed program; ServerError names the Debian package that is missing."""
    # Debian keeps servers where an ordinary user's PATH does not look.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    found = shutil.which(program, path=path)
    if found is None:
        raise ServerError(f"{program} is not installed. Install it with: sudo apt-get install {package}")
    return found


def _http_ok(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return int(answer.status) in (200, 204)
    except (urllib.error.URLError, OSError):
        return False


def _listens(pid: int, port: int) -> bool:
    """Whether this very process (not another one on the same port) listens on the TCP port."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{columns[9]}]")
    try:
        open_files = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    for file in open_files:
        try:
            if str(file.readlink()) in inodes:
                return True
        except OSError:
            continue
    return False


def _all_threads_stopped(pid: int) -> bool:
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            if thread.read_text().rpartition(")")[2].split()[0] != "T":
                return False
        except OSError:  # a thread that has just ended
            continue
    return True


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.splitlines()[-lines:]) or "(its log is empty)"
