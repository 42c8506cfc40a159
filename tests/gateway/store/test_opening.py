"""A store that was put back from a copy is another store; a suspect one is looked through."""

import shutil
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from gateway.model import NodeState
from gateway.store import Change, Store, StoreError
from gateway.store.files import detour_file, suspect_file
from gateway.store.opening import CHECKED_WHOLE_MAX, open_database, remove, renew
from gateway.store.store import Trouble
from tests.gateway.store.made import made


async def test_an_older_copy_put_back_gets_a_new_id(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    await store.append(Change(nodes=[NodeState(11, b"checkme!", welcomed=True)], records=[made(0)]))
    await store.close()
    shutil.copy(path, tmp_path / "copy.db")
    again = Store.open(path)
    assert again.store_id == store.store_id
    await again.append(Change(records=[made(1)]))
    await again.close()
    shutil.copy(tmp_path / "copy.db", path)
    back = Store.open(path)
    assert back.store_id != store.store_id
    assert [(n.node, n.welcomed) for n in back.reader.nodes()] == [(11, False)]
    assert [r.seq for r in back.after(0, 9)] == [0]
    await back.close()
    same = Store.open(path)
    assert same.store_id == back.store_id
    await same.close()


async def test_after_a_detour_nodes_are_welcomed_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    await store.append(Change(nodes=[NodeState(11, b"checkme!", welcomed=True)]))
    await store.close()
    detour = detour_file(path)
    detour.touch()
    store = Store.open(path)
    assert [n.welcomed for n in store.reader.nodes()] == [False]
    assert not detour.exists()
    await store.close()


def test_a_restore_renews_the_id(tmp_path: Path) -> None:
    opened = open_database(tmp_path / "store.db", lambda: 5)
    ((before,),) = opened.db.execute("SELECT value FROM meta WHERE key = 'store_id'")
    renew(opened.db)
    ((after,),) = opened.db.execute("SELECT value FROM meta WHERE key = 'store_id'")
    assert before != after
    opened.db.close()
    remove(tmp_path / "store.db")
    assert list(tmp_path.iterdir()) == []


async def test_damage_met_while_writing_is_looked_into_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    await store.append(Change(records=[made(n) for n in range(3000)]))

    def fail(*_: object) -> None:
        raise apsw.CorruptError("database disk image is malformed")

    monkeypatch.setattr(store._writer, "commit", fail)
    with pytest.raises(StoreError, match="malformed"):
        await store.append(Change(records=[made(3000)]))
    assert store.trouble is Trouble.DAMAGED
    await store.close()
    assert suspect_file(path).exists()
    monkeypatch.setattr("gateway.store.opening.CHECKED_WHOLE_MAX", 0)
    with path.open("r+b") as file:
        file.seek(4096 * 40)
        file.write(b"\xff" * 4096)
    again = Store.open(path)
    assert again.salvaged is not None
    assert not suspect_file(path).exists()
    assert len(again.after(0, 9999)) > 2900
    await again.close()
    assert CHECKED_WHOLE_MAX > 0


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (apsw.FullError, Trouble.FULL),
        (apsw.ReadOnlyError, Trouble.UNWRITABLE),
        (apsw.IOError, Trouble.UNWRITABLE),
        (apsw.NotADBError, Trouble.DAMAGED),
        (ValueError, Trouble.OTHER),
    ],
)
async def test_what_kind_of_trouble_it_is(
    tmp_path: Path, error: type[Exception], trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "store.db")

    def fail(*_: object) -> None:
        raise error("so it is")

    with monkeypatch.context() as patch:
        patch.setattr(store._writer, "commit", fail)
        with pytest.raises(StoreError, match="so it is"):
            await store.append(Change(records=[made(0)]))
    seen = [store.trouble]
    await store.append(Change(records=[made(0)]))
    assert [*seen, store.trouble] == [trouble, None]
    await store.close()


async def test_damage_that_a_look_shows(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    await store.append(Change(records=[made(n) for n in range(500)]))
    seen = [store.trouble_now()]
    for name in (path, path.with_name("store.db-wal")):
        with name.open("r+b") as file:
            file.write(b"\xaa" * name.stat().st_size)
    seen.append(store.trouble_now())
    assert seen == [None, Trouble.DAMAGED]
    assert suspect_file(path).exists()
    with suppress(apsw.Error):
        await store.close()
