"""The project's own processes, started privately beside the servers they need."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.control import SOCKET_NAME, ControlError, request
from tools.servers import HOST, Server, ServerError


class Program(Server):
    """A process of this project that answers on a Unix socket in its state directory."""

    program = sys.executable
    package = "python3"
    socket_name: str

    def __init__(self, state: Path, arguments: Sequence[str], port: int | None = None) -> None:
        super().__init__(state, port)
        self._given_arguments = list(arguments)

    def status(self) -> dict[str, object]:
        """What it says of itself. Raises ControlError when it does not answer."""
        return request(self.directory / self.socket_name, {"do": "status"}, timeout_s=60)

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]", deadline: float) -> bool:
        while process.poll() is None:
            try:
                self.status()
                return True
            except ControlError:
                pass  # not yet
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.name} does not answer:\n{self.log_tail()}")
            time.sleep(0.02)
        return False


class Gateway(Program):
    """`sensornett gateway`, with its page on this machine."""

    name = "gateway"
    socket_name = SOCKET_NAME

    def __init__(
        self,
        state: Path,
        site: Path,
        broker: str,
        password: Path,
        page_port: int | None = None,
        interval_s: int | None = None,
        radios: Sequence[str] = (),
    ) -> None:
        where = ["--site", str(site), "--state", str(state), "--broker", broker]
        if interval_s is not None:
            where += ["--interval", str(interval_s)]
        user = ["--broker-user", "gateway", "--broker-password-file", str(password)]
        super().__init__(state, [*where, *user, *radios], page_port)

    def _arguments(self) -> Sequence[str]:
        return ["-P", "-m", "tools.cli", "gateway", *self._given_arguments, "--page", f"{HOST}:{self.port}"]


class Sync(Program):
    """`sensornett sync`, writing to one InfluxDB."""

    name = "sync"
    socket_name = "sync.sock"

    def __init__(self, state: Path, site: Path, url: str, api: str, database: str) -> None:
        where = ["--influx", url, "--api", api, "--database", database]
        super().__init__(state, ["--site", str(site), "--state", str(state), *where])

    def _arguments(self) -> Sequence[str]:
        return ["-P", "-m", "tools.cli", "sync", *self._given_arguments]
