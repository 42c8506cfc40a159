"""The store's file in the state directory, and the files beside it."""

from pathlib import Path

STORE_NAME = "store.db"
SYNC_JOURNAL = "sync.db"  # of sync; there once that has been set up


def database_files(path: Path) -> list[Path]:
    """Return a database, its log and the index to that, there or not."""
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def suspect_file(store: Path) -> Path:
    """Its existence says that the store has to be looked through when it is next opened."""
    return store.with_name(store.name + ".suspect")


def detour_file(store: Path) -> Path:
    """Its existence says that nodes have been welcomed to another store since this one was closed."""
    return store.with_name(store.name + ".detour")


def opened_file(store: Path) -> Path:
    """How often the store was opened."""
    return store.with_name(store.name + ".opened")


def all_files(store: Path) -> list[Path]:
    """Return everything that belongs to the store, there or not."""
    return [*database_files(store), suspect_file(store), detour_file(store), opened_file(store)]
