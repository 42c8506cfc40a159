"""One private server: started on free ports of 127.0.0.1, stopped, killed, paused.

Everything it writes lies below one directory; it keeps its ports and its data over a restart, and dies
with the process that started it. The calls block; in a coroutine use `await asyncio.to_thread(server.start)`.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Self

from tools.servers.processes import (
    HOST,
    ServerError,
    all_threads_stopped,
    find_program,
    free_ports,
    listens,
)

_START_ATTEMPTS = 8

# A child's parent-death signal fires when the *thread* that started it ends, so one thread that lives as
# long as the process starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


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

    def start(self, timeout_s: float = 60.0) -> None:
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

    def stop(self, timeout_s: float = 60.0) -> None:
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

    def restart(self, timeout_s: float = 60.0) -> None:
        """Stop it if it runs and start it on the same port with the same data."""
        self.stop()
        self.start(timeout_s)

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel, nothing answers."""
        process = self._signal(signal.SIGSTOP)
        while process.poll() is None and not all_threads_stopped(process.pid):
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
            if listens(process.pid, self.port) and self._answers():
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


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.splitlines()[-lines:]) or "(its log is empty)"
