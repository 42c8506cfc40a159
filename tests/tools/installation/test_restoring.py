"""An old backup on a second machine: no nonce used twice, nothing lost, nothing doubled."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from device_configs.keys import read_keys, write_keys
from gateway.app import locked
from gateway.ingest import Ingest
from gateway.model import Downlink
from gateway.store import Reader, Store
from tests.gateway.talking_node import GATEWAY_ID, NOON_MS, SCHEMAS, TalkingNode, key_of, record, uplink
from tests.tools.installation.staged import SITE_ID, staged
from tools.installation.backup import back_up
from tools.installation.choices import FILE, Choices, write_choices
from tools.installation.places import InstallError, Places
from tools.installation.restoring import restore
from tools.node.credentials import Credentials
from tools.node.registry import Registry
from wire import control


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: below these roots lie sockets, whose paths may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="sn-") as folder:
        yield Path(folder)


class Machine:
    """An installed gateway without its processes; every downlink it ever sealed is in `sealed`."""

    def __init__(self, root: Path) -> None:
        self.places = staged(root)
        self.sealed: list[bytes] = []
        self.told: list[str] = []
        write_choices(self.places.settings / FILE, Choices())
        write_keys(self.places.data / "keys.json", {11: key_of(11)})

    async def hears(self, *frames: bytes) -> Sequence[Downlink]:
        """Start the gateway, let it hear `frames` one by one, stop it; return its last answers."""
        store = Store.open(self.places.data / "store.db")
        keys = read_keys(self.places.data / "keys.json")
        ingest = Ingest(store, keys=keys, schemas=SCHEMAS, gateway_id=GATEWAY_ID, now_ms=lambda: NOON_MS)
        answers: Sequence[Downlink] = ()
        for frame in frames:
            answers = await ingest.accept([uplink(frame)])
            self.sealed += [downlink.frame for downlink in answers]
        await store.close()
        return answers

    def restore(self, file: Path, *, settings: bool = True) -> None:
        restore(self.places, file, settings=settings, say=self.told.append)

    def identities(self) -> list[tuple[int, int, int]]:
        with Reader.open(self.places.data / "store.db") as reader:
            return [(node, epoch, seq) for node, epoch, seq, _ in reader.identities()]

    def store_id(self) -> bytes:
        with Reader.open(self.places.data / "store.db") as reader:
            return reader.store_id


@pytest.fixture
def one(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "one")


@pytest.fixture
def other(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "other")


async def test_on_a_second_machine(one: Machine, other: Machine, tmp_path: Path) -> None:
    node = TalkingNode()
    node.hear(await one.hears(node.status()))
    node.hear(await one.hears(*(node.data(record(seq)) for seq in range(10))))
    back_up(one.places, tmp_path / "backup.tar.gz")
    told = node.hear(await one.hears(*(node.data(record(seq)) for seq in range(10, 20))))
    assert told[control.ACK] == [0xD4, 20]
    assert one.identities() == [(11, node.epoch, seq) for seq in range(20)]

    other.restore(tmp_path / "backup.tar.gz")
    assert other.store_id() != one.store_id()
    assert other.identities() == [(11, node.epoch, seq) for seq in range(10)]

    # The node says something; it is welcomed by a store it does not know, which asks for its epoch and then
    # tells what it has.
    assert control.ASK in node.hear(await other.hears(node.data(record(20))))
    node.hear(await other.hears(node.status()))
    told = node.hear(await other.hears(node.data(record(20))))
    assert told[control.ACK] == [0xD4, 10, [20, 20]]
    # What it was told is all it needs to send the rest again: it has kept it.
    told = node.hear(await other.hears(node.data(*(record(seq) for seq in range(8, 20)))))
    assert told[control.ACK] == [0xD4, 21]
    assert sorted(other.identities()) == [(11, node.epoch, seq) for seq in range(21)]

    # Node and counter make a nonce, the store's id its key: the nonces meet, under different keys.
    nonces = [{frame[1:6] for frame in machine.sealed} for machine in (one, other)]
    assert [len(each) for each in nonces] == [len(one.sealed), len(other.sealed)]
    assert nonces[0] & nonces[1]


async def test_a_frame_recorded_before_is_taken_once_more_and_changes_nothing(
    one: Machine, other: Machine, tmp_path: Path
) -> None:
    node = TalkingNode()
    await one.hears(node.status())
    back_up(one.places, tmp_path / "backup.tar.gz")
    frame = node.data(record(0))
    await one.hears(frame)
    other.restore(tmp_path / "backup.tar.gz")
    status = node.status()
    await other.hears(status)
    await other.hears(frame)
    assert await other.hears(frame, status) == []
    await other.hears(node.data(record(0)))
    assert other.identities() == [(11, node.epoch, 0)]


async def test_on_the_same_machine_an_older_state_gets_a_new_id_and_the_newer_one_is_kept(
    one: Machine, tmp_path: Path
) -> None:
    node = TalkingNode()
    await one.hears(node.status(), node.data(record(0)))
    back_up(one.places, tmp_path / "backup.tar.gz")
    await one.hears(node.data(record(1)))
    before = one.store_id()
    one.restore(tmp_path / "backup.tar.gz")
    assert one.store_id() != before
    assert one.identities() == [(11, node.epoch, 0)]
    (aside,) = one.places.data.glob("before-restore-*")
    with Reader.open(aside / "store.db") as reader:
        assert reader.last_commit() == 2
    node.hear(await one.hears(node.status()))
    node.hear(await one.hears(node.data(record(2))))
    assert one.identities() == [(11, node.epoch, 0), (11, node.epoch, 2)]


async def test_newer_keys_stay_and_forgotten_nodes_stay_forgotten(one: Machine, tmp_path: Path) -> None:
    node, data = TalkingNode(), one.places.data
    credentials = Credentials(data, SITE_ID)
    for known in (11, 12):
        credentials.password(known)
    write_keys(data / "keys.json", {11: key_of(11), 12: key_of(12)})
    await one.hears(node.status())
    back_up(one.places, tmp_path / "backup.tar.gz")
    renewed = bytes(range(16))
    write_keys(data / "keys.json", {11: renewed, 13: key_of(13)})  # 12 is revoked, 13 is new
    credentials.revoke(12)
    new_password = credentials.password(13)
    Registry(data).forget(12)
    one.restore(tmp_path / "backup.tar.gz")
    assert read_keys(data / "keys.json") == {11: renewed, 13: key_of(13)}
    assert set(json.loads((data / "broker.json").read_text())["users"]) == {"gateway", "n11", "n13"}
    assert Credentials(data, SITE_ID).password(13) == new_password
    assert "forgotten" in (data / "audit.jsonl").read_text()


async def test_settings_come_along_if_wanted(one: Machine, other: Machine, tmp_path: Path) -> None:
    (one.places.secrets / "influx").write_text("token\n")
    (one.places.site / "site.yaml").write_text(
        (one.places.site / "site.yaml").read_text() + "# edited here\n"
    )
    await one.hears()
    back_up(one.places, tmp_path / "backup.tar.gz")
    other.restore(tmp_path / "backup.tar.gz", settings=False)
    assert not (other.places.secrets / "influx").exists()
    other.restore(tmp_path / "backup.tar.gz")
    assert (other.places.secrets / "influx").read_text() == "token\n"
    assert (other.places.secrets / "influx").stat().st_mode & 0o777 == 0o600
    assert "# edited here" in (other.places.site / "site.yaml").read_text()


async def test_a_backup_that_cannot_be_used_changes_nothing(one: Machine, tmp_path: Path) -> None:
    await one.hears(TalkingNode().status())
    before = one.store_id()
    (tmp_path / "backup.tar.gz").write_bytes(b"no")
    with pytest.raises(InstallError):
        one.restore(tmp_path / "backup.tar.gz")
    assert one.store_id() == before
    assert list(one.places.data.glob("before-restore-*")) == []
    assert list(one.places.data.glob(".restore-*")) == []


async def test_not_while_a_gateway_runs(one: Machine, tmp_path: Path) -> None:
    await one.hears(TalkingNode().status())
    back_up(one.places, tmp_path / "backup.tar.gz")
    with locked(one.places.data), pytest.raises(InstallError, match="another gateway"):
        one.restore(tmp_path / "backup.tar.gz")


def test_not_where_nothing_is_installed(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="Install it first"):
        restore(Places(tmp_path), tmp_path / "b", settings=True, say=print)
