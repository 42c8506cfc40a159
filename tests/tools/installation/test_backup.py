"""A backup of a store at work, and what `unpack` makes of files that are none."""

import asyncio
import io
import json
import tarfile
from pathlib import Path

import pytest

from device_configs.keys import write_keys
from gateway.ingest import Ingest
from gateway.store import Reader, Store
from tests.gateway.talking_node import GATEWAY_ID, NOON_MS, SCHEMAS, TalkingNode, key_of, record, uplink
from tests.tools.installation.staged import SITE_ID, staged
from tools.installation.backup import MANIFEST, back_up, unpack
from tools.installation.choices import FILE, Choices, write_choices
from tools.installation.places import InstallError, Places


async def filled(places: Places, count: int = 50) -> None:
    """Let a node bring `count` records into the store of `places`."""
    store = Store.open(places.data / "store.db")
    ingest = Ingest(
        store, keys={11: key_of(11)}, schemas=SCHEMAS, gateway_id=GATEWAY_ID, now_ms=lambda: NOON_MS
    )
    node = TalkingNode()
    await ingest.accept([uplink(node.status())])
    for seq in range(count):
        await ingest.accept([uplink(node.data(record(seq)))])
    await store.close()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    installed = staged(tmp_path / "root")
    write_choices(installed.settings / FILE, Choices())
    write_keys(installed.data / "keys.json", {11: key_of(11)})
    (installed.secrets / "influx").write_text("token\n")
    return installed


async def test_everything_that_counts_is_in_it_and_whole(places: Places, tmp_path: Path) -> None:
    await filled(places)
    manifest = back_up(places, tmp_path / "backup.tar.gz")
    assert (tmp_path / "backup.tar.gz").stat().st_mode & 0o777 == 0o600
    assert manifest["last_commit"] == 50
    names = set(manifest["sha256"])
    assert {
        "data/store.db", "data/keys.json", "settings/gateway.yaml", "settings/secrets/influx",
        f"settings/sites/{SITE_ID}/nodes.yaml",
    } <= names  # fmt: skip
    assert not any("sock" in name or "-wal" in name or "lock" in name for name in names)
    assert unpack(tmp_path / "backup.tar.gz", tmp_path / "out") == manifest
    with Reader.open(tmp_path / "out/data/store.db") as copy, Reader.open(places.data / "store.db") as store:
        assert list(copy.identities()) == list(store.identities())
    assert [path for path in places.data.iterdir() if path.name.startswith(".backup")] == []


async def test_a_backup_while_records_come_in_is_one_moment_of_the_store(
    places: Places, tmp_path: Path
) -> None:
    await filled(places, 5)
    stop = asyncio.Event()
    written = 0

    async def coming_in() -> None:
        nonlocal written
        store = Store.open(places.data / "store.db")
        ingest = Ingest(
            store, keys={11: key_of(11)}, schemas=SCHEMAS, gateway_id=GATEWAY_ID, now_ms=lambda: NOON_MS
        )
        node = TalkingNode(epoch=0x01020304)
        node.counter = 1000
        await ingest.accept([uplink(node.status())])
        while not stop.is_set():
            await ingest.accept([uplink(node.data(record(written)))])
            written += 1
        await store.close()

    task = asyncio.create_task(coming_in())
    manifests = []
    for i in range(3):
        before = written
        async with asyncio.timeout(60):
            while written <= before:  # noqa: ASYNC110 - records have to come in between
                await asyncio.sleep(0.01)
        manifests.append(await asyncio.to_thread(back_up, places, tmp_path / f"{i}.tar.gz"))
    stop.set()
    await task
    assert manifests[0]["last_commit"] < manifests[2]["last_commit"] <= 5 + written
    for i, manifest in enumerate(manifests):
        unpack(tmp_path / f"{i}.tar.gz", tmp_path / str(i))
        with Reader.open(tmp_path / str(i) / "data/store.db") as copy:
            seqs = [seq for _, epoch, seq, _ in copy.identities() if epoch == 0x01020304]
            assert seqs == list(range(manifest["last_commit"] - 5))
            assert sum(copy.stored().values()) == manifest["last_commit"]


def test_without_a_store_there_is_nothing_to_back_up(places: Places, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="there is no store"):
        back_up(places, tmp_path / "backup.tar.gz")
    assert not (tmp_path / "backup.tar.gz").exists()


async def test_a_damaged_backup_is_refused(places: Places, tmp_path: Path) -> None:
    await filled(places)
    file = tmp_path / "backup.tar.gz"
    back_up(places, file)
    whole = file.read_bytes()
    for i, content in enumerate([whole[: len(whole) // 2], whole[:-20], b"", b"not an archive"]):
        file.write_bytes(content)
        with pytest.raises(InstallError, match=r"no backup|cut off|damaged"):
            unpack(file, tmp_path / f"damaged-{i}")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    file.write_bytes(flipped)
    with pytest.raises(InstallError):
        unpack(file, tmp_path / "flipped")


def archive(file: Path, manifest: object, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(file, "w:gz") as made:
        for name, content in {MANIFEST: json.dumps(manifest).encode(), **members}.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            if name != MANIFEST:
                about.type = kind
                about.linkname = "/etc/shadow"
                about.size = len(content) if kind == tarfile.REGTYPE else 0
            made.addfile(about, io.BytesIO(content))
    return file


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "data/../../x", "data/other"])
def test_a_member_outside_of_the_manifest_or_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    manifest = {"format": 1, "sha256": {} if name == "data/other" else {name: "0"}}
    with pytest.raises(InstallError):
        unpack(archive(tmp_path / "a.tar.gz", manifest, {name: b"x"}), tmp_path / "deep" / "out")
    assert not (tmp_path / "etc").exists()
    assert not (tmp_path / "x").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    manifest = {"format": 1, "sha256": {"data/keys.json": "0"}}
    made = archive(tmp_path / "a.tar.gz", manifest, {"data/keys.json": b""}, tarfile.SYMTYPE)
    with pytest.raises(InstallError, match="does not belong"):
        unpack(made, tmp_path / "out")


@pytest.mark.parametrize("manifest", [{"format": 99}, [], {"format": 1}, 7])
def test_a_manifest_that_is_none(tmp_path: Path, manifest: object) -> None:
    with pytest.raises(InstallError):
        unpack(archive(tmp_path / "a.tar.gz", manifest, {}), tmp_path / "out")
