"""Writes down, in order, everything SQLite does to the disk in this process: writes, truncations, syncs.

SQLite's own unix VFS stays in place, shared memory and second readers included (a VFS of Python's would know
no shared memory); only its system calls are listened to. It lets all of them be replaced but fdatasync, whose
entry in the library's table of addresses is replaced here instead.
"""

import ctypes
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import apsw

# ("write", path, offset, bytes), ("truncate", path, size), ("unlink", path), ("sync", path) or a mark
Entry = tuple[Any, ...]

_libc = ctypes.CDLL("libc.so.6", use_errno=True)
_SSIZE, _INT, _PTR, _OFF = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_int64
_PWRITE = ctypes.CFUNCTYPE(_SSIZE, _INT, _PTR, ctypes.c_size_t, _OFF, use_errno=True)
_WRITE = ctypes.CFUNCTYPE(_SSIZE, _INT, _PTR, ctypes.c_size_t, use_errno=True)
_FTRUNCATE = ctypes.CFUNCTYPE(_INT, _INT, _OFF, use_errno=True)
_UNLINK = ctypes.CFUNCTYPE(_INT, ctypes.c_char_p, use_errno=True)
_FSYNC = ctypes.CFUNCTYPE(_INT, _INT, use_errno=True)


class DiskLog:
    """`entries` grow from `start` on. One to a process, and for good: there is no way back."""

    def __init__(self, folder: Path) -> None:
        self.entries: list[Entry] = []
        self._folder = str(folder.resolve())
        self._alive: list[Any] = []  # callbacks that C code holds

    def start(self) -> None:
        vfs = apsw.VFS("listened-to", "unix")
        for names, kind, listener in (
            (("pwrite", "pwrite64"), _PWRITE, self._pwrite),
            (("write",), _WRITE, self._write),
            (("ftruncate",), _FTRUNCATE, self._ftruncate),
            (("unlink",), _UNLINK, self._unlink),
        ):
            for name in names:
                original = vfs.xGetSystemCall(name)
                if original:
                    callback = kind(partial(listener, kind(original)))
                    vfs.xSetSystemCall(name, ctypes.cast(callback, _PTR).value or 0)
                    self._alive.append(callback)
        self._alive.append(vfs)
        for name in ("fdatasync", "fsync"):
            address = ctypes.cast(getattr(_libc, name), _PTR).value
            assert address is not None
            callback = _FSYNC(partial(self._sync, _FSYNC(address)))
            replaced = ctypes.cast(callback, _PTR).value
            assert replaced is not None
            if _replace_pointers(address, replaced):
                self._alive.append(callback)

    def mark(self, *what: object) -> None:
        """Enter something that happened between two calls."""
        self.entries.append(what)

    def _path(self, fd: int) -> str | None:
        path = str(Path(f"/proc/self/fd/{fd}").readlink())
        return path if path.startswith(self._folder) and not path.endswith("-shm") else None

    def _pwrite(self, call: Callable[..., int], fd: int, data: int, size: int, offset: int) -> int:
        self._enter_write(fd, data, size, offset)
        return call(fd, data, size, offset)

    def _write(self, call: Callable[..., int], fd: int, data: int, size: int) -> int:
        self._enter_write(fd, data, size, os.lseek(fd, 0, os.SEEK_CUR))
        return call(fd, data, size)

    def _enter_write(self, fd: int, data: int, size: int, offset: int) -> None:
        if path := self._path(fd):
            self.entries.append(("write", path, offset, ctypes.string_at(data, size)))

    def _ftruncate(self, call: Callable[..., int], fd: int, size: int) -> int:
        if path := self._path(fd):
            self.entries.append(("truncate", path, size))
        return call(fd, size)

    def _unlink(self, call: Callable[..., int], path: bytes) -> int:
        name = os.path.realpath(path).decode()
        if name.startswith(self._folder) and not name.endswith("-shm"):
            self.entries.append(("unlink", name))
        return call(path)

    def _sync(self, call: Callable[..., int], fd: int) -> int:
        done = call(fd)
        if path := self._path(fd):
            self.entries.append(("sync", path))
        return done


def _replace_pointers(old: int, new: int) -> int:
    """Replace the address `old` in apsw's tables of addresses; return how many times."""
    library = Path(apsw.__file__).parent
    found = 0
    page = os.sysconf("SC_PAGESIZE")
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end, access, path = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()  # type: ignore[union-attr]
        if not path.startswith(str(library)) or "r" not in access or "x" in access:
            continue
        low, high = int(start, 16), int(end, 16)
        wanted = old.to_bytes(8, "little")
        memory = ctypes.string_at(low, high - low)
        at = memory.find(wanted)
        while at >= 0:
            if at % 8 == 0:
                slot = low + at
                _libc.mprotect(_PTR(slot - slot % page), ctypes.c_size_t(page), 3)
                ctypes.memmove(slot, new.to_bytes(8, "little"), 8)
                found += 1
            at = memory.find(wanted, at + 1)
    return found
