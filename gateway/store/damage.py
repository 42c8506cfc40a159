"""What to do where a database of the state directory is damaged or out of reach."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

import apsw

from gateway.store.change import StoreError
from gateway.store.files import database_files

DAMAGE = (apsw.CorruptError, apsw.NotADBError)


class Unreadable(StoreError):
    """A database cannot be read: `damaged`, or (a right that is missing, a failing card) out of reach."""

    def __init__(self, text: str, path: Path, *, damaged: bool) -> None:
        super().__init__(text)
        self.path = path
        self.damaged = damaged

    @classmethod
    def of(cls, path: Path, error: apsw.Error, hint: str = "") -> Self:
        """Say that a database cannot be read, and what to do."""
        damaged = isinstance(error, DAMAGE)
        return cls(f"{path}: cannot be read ({error}). {hint}".rstrip(), path, damaged=damaged)


def is_damaged(path: Path) -> bool:
    """Look through a whole database; one that is not there, or out of reach, is not damaged."""
    if not path.exists():
        return False
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            db.set_busy_timeout(5000)
            return bool(db.execute("PRAGMA quick_check(1)").get != "ok")
        finally:
            db.close()
    except DAMAGE:
        return True
    except apsw.Error:
        return False


def blamed(paths: Iterable[Path], error: apsw.Error, hint: str = "") -> StoreError:
    """Return the error to raise where reading these databases failed: it names the one that is damaged."""
    every = list(paths)
    for path in every:
        if is_damaged(path):
            return Unreadable(f"{path}: is damaged ({error}). {hint}".rstrip(), path, damaged=True)
    return StoreError(f"{', '.join(map(str, every))}: cannot be read: {error}")


def set_aside(path: Path, now_ms: int) -> Path:
    """Move a damaged database out of the way; return where it is now. Raises OSError."""
    aside = _aside(path, now_ms)
    path.rename(aside)
    for left in database_files(path)[1:]:
        left.unlink(missing_ok=True)
    return aside


def set_aside_with_log(path: Path, now_ms: int) -> Path:
    """Do the same, but keep the log beside it: who salvages reads that too. Raises OSError."""
    aside = _aside(path, now_ms)
    for file, there in zip(database_files(path), database_files(aside), strict=True):
        with suppress(FileNotFoundError):
            file.replace(there)
    return aside


def _aside(path: Path, now_ms: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{now_ms}")
