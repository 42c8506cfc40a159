"""One run of the MicroPython interpreter: its process, its console, and the line to the shims."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardware.virtual import micropython
from hardware.virtual.keyboard import Keyboard, terminal
from hardware.virtual.shims import _board_ops as ops

_START = "import sys; sys.path[:] = [{shims!r}, '.frozen']; import _board_start"
_FIRST_UART_FD = 5
_HEAD = struct.Struct("<BH")
_ERROR = struct.Struct("<i")


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what the interpreter does. `request` answers None where no answer is due."""

    request: Callable[[int, bytes], bytes | None]
    console: Callable[[bytes], None]
    ended: Callable[[int], None]


class Interpreter:
    """Started by its constructor. `ended` gets the exit status (negative: a signal) after the last output.

    With a `prompt` the console is a terminal, and MicroPython's own prompt opens once the program has ended.
    """

    def __init__(
        self,
        ears: Ears,
        heap_kb: int,
        uarts: Sequence[int],
        prefix: Sequence[str] = (),
        prompt: bool = False,
    ) -> None:
        self._ears = ears
        self._loop = asyncio.get_running_loop()
        self._inbox = b""
        self._console_open = True
        self._status: int | None = None
        self._ending = False
        request_read, request_write = os.pipe()
        answer_read, answer_write = os.pipe()
        console_read, console_write = terminal() if prompt else os.pipe()
        uart_pipes = [os.pipe() for _ in uarts]
        for end in (request_read, console_read, *(fd for pair in uart_pipes for fd in pair)):
            os.set_blocking(end, False)
        self._requests, self._answers, self._console = request_read, answer_write, console_read
        self.uart_pipes = dict(zip(uarts, uart_pipes, strict=True))  # number -> (read end, write end)
        theirs = [answer_read, request_write, *(pair[0] for pair in uart_pipes)]
        try:
            self.pid = _spawn(heap_kb, prefix, console_write, theirs, prompt)
        finally:
            for fd in (request_write, answer_read, console_write):
                os.close(fd)
        self.keyboard = Keyboard(console_read) if prompt else None
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._requests, self.read_requests)
        self._loop.add_reader(self._console, self.read_console)
        self._loop.add_reader(self._pidfd, self._read_exit)

    def end(self, cut: bool = False) -> None:
        """Ends the program where it stands; by SIGTERM if not `cut`, so that a profiler can write."""
        self._ending = True
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL if cut else signal.SIGTERM)

    def interrupt(self, source: int, number: int) -> None:
        """Tells the program of an interrupt; it takes it with its next request or sleep."""
        if self._status is None and not self._ending:
            self._send(ops.INTERRUPT, bytes((source, number)))

    def read_requests(self) -> None:
        """Serves what has arrived; called by the event loop, or before judging the program silent."""
        try:
            content = os.read(self._requests, 65536)
        except BlockingIOError:
            return
        if not content:
            self._loop.remove_reader(self._requests)
            return
        self._inbox += content
        while len(self._inbox) >= _HEAD.size and not self._ending:
            op, size = _HEAD.unpack_from(self._inbox)
            end = _HEAD.size + size
            if len(self._inbox) < end:
                return
            payload, self._inbox = self._inbox[_HEAD.size : end], self._inbox[end:]
            self._answer(op, payload)

    def _answer(self, op: int, payload: bytes) -> None:
        try:
            answer = self._ears.request(op, payload)
        except OSError as error:
            text = (error.strerror or "") if (error.errno or 0) < 0 else ""
            self._send(ops.OS_ERROR, _ERROR.pack(error.errno or 5) + text.encode())
        except ValueError as error:
            self._send(ops.VALUE_ERROR, _ERROR.pack(0) + str(error).encode())
        else:
            if answer is not None and not self._ending:
                self._send(ops.OK, answer)

    def answer(self, content: bytes) -> None:
        """Answers a request for which `request` gave None."""
        if self._status is None and not self._ending:
            self._send(ops.OK, content)

    def _send(self, kind: int, content: bytes) -> None:
        # The interpreter reads each answer before it asks again, so the pipe never fills.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._answers, _HEAD.pack(kind, len(content)) + content)

    def read_console(self) -> None:
        """Passes on what has been printed so far."""
        if not self._console_open:
            return
        try:
            content = os.read(self._console, 65536)
        except BlockingIOError:
            return
        except OSError:  # how the other end of a terminal tells that it was closed
            content = b""
        if content:
            self._ears.console(content)
        else:
            self._loop.remove_reader(self._console)
            self._console_open = False
            self._finish()

    def _read_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        _, status = os.waitpid(self.pid, 0)
        self._status = os.waitstatus_to_exitcode(status)
        self._finish()

    def _finish(self) -> None:
        if self._status is None or self._console_open:
            return
        self._loop.remove_reader(self._requests)
        if self.keyboard:
            self.keyboard.close()
        for fd in (self._requests, self._answers, self._console, self._pidfd):
            os.close(fd)
        for pair in self.uart_pipes.values():
            for fd in pair:
                os.close(fd)
        self._ears.ended(self._status)


def _spawn(heap_kb: int, prefix: Sequence[str], console: int, line: Sequence[int], prompt: bool) -> int:
    start = _START.format(shims=str(micropython.compiled_shims()))
    options = ["-X", f"heapsize={heap_kb}k", *(["-i"] if prompt else [])]
    command = [*prefix, *micropython.command(), *options, "-c", start]
    # Copies above all target numbers: a target must never overwrite a source that is still to be moved.
    floor = _FIRST_UART_FD + len(line)
    copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor) for fd in (console, *line)]
    targets = [1, *range(3, 3 + len(line))]
    nobody = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    moves: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_DUP2, copies[0], 0) if prompt else nobody,
        *((os.POSIX_SPAWN_DUP2, copy, target) for copy, target in zip(copies, targets, strict=True)),
        (os.POSIX_SPAWN_DUP2, copies[0], 2),
    ]
    # A process group of its own: Ctrl-C at the terminal is for the board host.
    try:
        return os.posix_spawnp(
            command[0], command, {"PATH": os.defpath, "TZ": "UTC"}, file_actions=moves, setpgroup=0
        )
    finally:
        for copy in copies:
            os.close(copy)
