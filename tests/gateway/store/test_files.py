from pathlib import Path

from gateway.store.files import STORE_NAME, all_files, detour_file, opened_file, suspect_file


def test_everything_that_belongs_to_a_store_lies_beside_it() -> None:
    store = Path("state") / STORE_NAME
    assert {file.name for file in all_files(store)} == {
        "store.db", "store.db-wal", "store.db-shm", "store.db.suspect", "store.db.detour", "store.db.opened",
    }  # fmt: skip
    assert {file.parent for file in all_files(store)} == {store.parent}
    assert {suspect_file(store), detour_file(store), opened_file(store)} < set(all_files(store))
