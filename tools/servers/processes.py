"""What a private server needs of the machine: free ports, installed programs, and a look at its process."""

import atexit
import os
import random
import shutil
import socket
from collections import deque
from pathlib import Path

HOST = "127.0.0.1"
# Below the range Linux hands out for outgoing connections, so that the port of a server that is down for
# a fault test is not taken by somebody's connection meanwhile.
_PORTS = range(20000, 32768)

# The ports that were given out last, each held by a name no other socket of this machine can take: until a
# server listens on a port, neither this process nor another one gives it out again.
_claims: deque[socket.socket] = deque()
_CLAIMS_MOST = 100


class ServerError(RuntimeError):
    """A server is not installed, does not start, does not answer or does not stop."""


def free_ports(count: int) -> list[int]:
    """Return `count` TCP ports of 127.0.0.1 on which nothing listens, and that nobody else was just given."""
    found: list[int] = []
    held: list[socket.socket] = []
    try:
        for _ in range(1000):
            port = random.choice(_PORTS)  # noqa: S311
            if not _claimed(port):
                continue
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


def _claimed(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0sensornett-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    if len(_claims) > _CLAIMS_MOST:
        _claims.popleft().close()
    return True


@atexit.register
def _let_go() -> None:
    while _claims:
        _claims.pop().close()


def free_port() -> int:
    """Return one TCP port of 127.0.0.1; see `free_ports`."""
    return free_ports(1)[0]


def find_program(program: str, package: str) -> str:
    """Return the path of an installed program; ServerError names the Debian package that is missing."""
    # Debian keeps servers where an ordinary user's PATH does not look.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    found = shutil.which(program, path=path)
    if found is None:
        raise ServerError(f"{program} is not installed. Install it with: sudo apt-get install {package}")
    return found


def listens(pid: int, port: int) -> bool:
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


def all_threads_stopped(pid: int) -> bool:
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            if thread.read_text().rpartition(")")[2].split()[0] != "T":
                return False
        except OSError:  # a thread that has just ended
            continue
    return True
