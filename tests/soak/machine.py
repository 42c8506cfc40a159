"""A gateway's life on a whole machine: installed, hung, upgraded, backed up, revoked, restored and removed.

The machine is a Debian of its own with a running systemd (guest.py); `./run install` and all others are the
commands people give. A node of the tests talks to it over TLS all the while. Where this machine cannot run
such a guest, that is the only fact reported.
"""

import asyncio
import json
import shutil
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from device_configs.keys import read_keys, write_keys
from gateway.model import Downlink
from gateway.store import Reader
from tests.soak.guest import Guest, missing
from tests.soak.tally import Tally
from tests.tools.installation.staged import SiteNode
from tools.installation.encryption import MAGIC
from tools.installation.release import files
from tools.node.credentials import Credentials
from tools.node.forget import forget
from tools.node.registry import Registry
from tools.servers import free_ports
from wire import control

ROOT = Path(__file__).parents[2]
SITE = "narvik-demo"
NODE, OTHER = 11, 12
BACKUP, KEY, EXPORT = "/var/tmp/backup.tar.gz.age", "/var/tmp/key.txt", "/var/tmp/export"
NIGHTLY, KEPT = "/srv/nightly", 2
LOOKED_AT = {
    "gateway", "mqtt", "nodes", "sync", "clock", "disk", "versions", "SQLite", "disk wear", "broker",
    "real-time clock", "backup", "duty tonight",
}  # fmt: skip
# What changes without anybody's doing, or is the machine's own record of what was done.
UNSTEADY = ("/proc", "/sys", "/run", "/dev", "/tmp", "/var/log", "/var/tmp", "/var/cache", "/root/",
            "/var/lib/systemd", "/var/lib/private", "/source", "/etc/passwd-", "/etc/group-", "/etc/shadow-",
            "/etc/gshadow-", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid", "/var/lib/dbus",
            "/etc/machine-id")  # fmt: skip


def run(tally: Tally) -> None:
    if reason := missing():
        tally.facts["not_run"] = reason
        return
    for seed in tally.rounds(1):
        with tally.run(seed), tempfile.TemporaryDirectory() as folder:
            asyncio.run(Life(tally, Path(folder)).whole())


class Life:
    """Each step leaves the gateway running for the next."""

    def __init__(self, tally: Tally, folder: Path) -> None:
        self.tally = tally
        self.source = folder / "source"
        for name in files(ROOT):
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.source / name)
        self.guest = Guest(folder / "root", self.source)
        self.data = folder / "root/var/lib/sensornett"
        self.port, self.page = free_ports(2)
        self.node = SiteNode(NODE)
        self.recipient = ""
        self.sent = 0

    async def whole(self) -> None:
        with self.guest:
            bare = self.guest.files(UNSTEADY)
            self.timed("install_s", "install", "--site", f"/source/device_configs/sites/{SITE}",
                       "--broker-port", str(self.port), "--page", f"127.0.0.1:{self.page}")  # fmt: skip
            self.nothing_secret_is_shown()
            self.provision()
            await self.speaks(5)
            await self.hangs()
            self.guest.run("age-keygen", "-o", KEY)
            self.recipient = self.guest.run("age-keygen", "-y", KEY).strip()
            self.timed("backup_s", "backup", BACKUP, "--recipient", self.recipient)
            await self.speaks(5)
            await self.upgrades()
            self.backed_up_each_night()
            self.examined()
            await self.upgrade_fails()
            await self.revoked()
            await self.restored()
            self.exported()
            self.timed("uninstall_s", "uninstall", "--purge", "--yes")
            assert len(list(self.inside(NIGHTLY).iterdir())) == KEPT, "backups outlive the gateway"
            shutil.rmtree(self.inside(NIGHTLY))
            left = self.guest.files(UNSTEADY) - bare
            assert left == set(), f"left behind: {sorted(left)[:10]}"
            for name in ("passwd", "group", "shadow"):
                assert "sensornett" not in (self.guest.root / "etc" / name).read_text()

    def timed(self, name: str, *words: str) -> None:
        began = time.monotonic()
        self.guest.run("/source/run", *words)
        self.tally.facts[name] = round(time.monotonic() - began)
        self.tally.tell(f"{words[0]}: {self.tally.facts[name]} s")

    def inside(self, path: str) -> Path:
        return self.guest.root / path.lstrip("/")

    def passwords(self) -> dict[str, str]:
        return dict(json.loads((self.data / "broker.json").read_text())["users"])

    def nothing_secret_is_shown(self) -> None:
        secrets = [word.encode() for word in self.passwords().values()]
        for commandline in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = commandline.read_bytes()
            except OSError:
                continue
            assert not any(secret in text for secret in secrets), commandline
        journal = self.guest.run("journalctl", "--no-pager", "-o", "cat", "-u", "sensornett-*")
        assert not any(secret.decode() in journal for secret in secrets)

    def provision(self) -> None:
        """What `sensornett node provision` writes at the gateway; the path units see to the rest."""
        for node in (NODE, OTHER):
            Credentials(self.data, SITE).password(node)
        keys = read_keys(self.data / "keys.json")
        before = self.guest.main_pid("sensornett-gateway")
        write_keys(self.data / "keys.json", keys | {n: SiteNode(n).key for n in (NODE, OTHER)})
        self.wait(
            lambda: self.guest.main_pid("sensornett-gateway") not in (0, before), "new keys are not taken"
        )

    @asynccontextmanager
    async def client(self, node: int) -> AsyncIterator[aiomqtt.Client]:
        password = Credentials(self.data, SITE).password(node)
        tls = ssl.create_default_context(cafile=str(self.guest.root / "etc/sensornett/ca.pem"))
        async with aiomqtt.Client(
            "localhost", self.port, username=f"n{node}", password=password, tls_context=tls
        ) as connected:
            yield connected

    async def says(self, client: aiomqtt.Client, *frames: bytes) -> dict[int, Any]:
        """Send frames as a node does: again and again until the gateway answers the last."""
        for frame in frames:
            await client.publish(f"sn/{SITE}/{NODE}/up", frame)
            async with asyncio.timeout(60):
                message = await anext(client.messages)
            self.node.hear([Downlink(NODE, bytes(message.payload))])
        return self.node.told

    async def speaks(self, count: int) -> None:
        """The node introduces itself and brings `count` new records, which have to be acknowledged."""
        end = time.monotonic() + 180
        now_s = int(time.time())
        told: dict[int, Any] = {}
        while not told:
            try:
                async with self.client(NODE) as client:
                    await client.subscribe(f"sn/{SITE}/{NODE}/down")
                    await self.says(client, self.node.status())
                    seqs = range(self.sent, self.sent + count)
                    told = await self.says(client, *(self.node.bring(i, now_s - 1000 + i) for i in seqs))
            except (aiomqtt.MqttError, TimeoutError):
                if time.monotonic() > end:
                    raise
        self.sent += count
        short = self.node.epoch & 0xFF
        assert told[control.ACK][:2] == [short, self.sent], told

    async def hangs(self) -> None:
        """A gateway that is stuck is started anew by the watchdog."""
        stuck = self.guest.main_pid("sensornett-gateway")
        began = time.monotonic()
        self.guest.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "sensornett-gateway")
        self.wait(lambda: self.guest.main_pid("sensornett-gateway") not in (0, stuck), "it stays stuck", 200)
        self.tally.facts["watchdog_restart_s"] = round(time.monotonic() - began)
        await self.speaks(5)

    async def upgrades(self) -> None:
        """To another version, with a backup each night and other secrets from then on."""
        before, word = self.current(), self.passwords()["gateway"]
        (self.source / "README.md").write_text("another version\n")
        with self.inside("/etc/sensornett/gateway.yaml").open("a") as stream:
            nightly = {"folder": NIGHTLY, "keep": KEPT, "recipients": [self.recipient]}
            stream.write(f"backup: {json.dumps(nightly)}\n")
        self.timed("upgrade_s", "upgrade", "--rotate")
        assert self.current() != before
        assert self.passwords()["gateway"] != word
        await self.speaks(5)

    def backed_up_each_night(self) -> None:
        """What the timer starts, as often as in three nights: so many are kept, and nobody reads them."""
        self.guest.run("systemctl", "is-active", "sensornett-backup.timer")
        names: set[str] = set()
        for _ in range(3):
            self.guest.run("systemctl", "start", "sensornett-backup.service")
            names |= {path.name for path in self.inside(NIGHTLY).iterdir()}
            time.sleep(1.1)  # the names have seconds
        kept = sorted(self.inside(NIGHTLY).iterdir())
        assert (len(names), len(kept)) == (3, KEPT)
        for path in kept:
            assert path.read_bytes().startswith(MAGIC)
            assert path.stat().st_mode & 0o077 == 0
        for database in self.data.glob("*.db*"):
            assert database.stat().st_uid == self.data.stat().st_uid, database

    def examined(self) -> None:
        """The doctor has a verdict on everything, and one fault to find: nobody is paged yet."""
        done = self.guest.try_run("sensornett", "doctor", "--state", "/var/lib/sensornett", "--json")
        found = {each["what"]: each["health"] for each in json.loads(done.stdout)["findings"]}
        assert set(found) >= LOOKED_AT, found
        failed = {what for what, health in found.items() if health == "failure"}
        assert failed == {"duty tonight"}, done.stdout

    async def upgrade_fails(self) -> None:
        """One that cannot even be imported changes nothing; one that does not come up is taken back."""
        before, store = self.current(), self.store_id()
        for module, said in (("app", "a broken version"), ("start", "The version before runs again.")):
            file = self.source / f"gateway/{module}.py"
            whole = file.read_text()
            file.write_text(whole + "\nraise SystemExit('a broken version')\n")
            began = time.monotonic()
            done = self.guest.try_run("/source/run", "upgrade")
            self.tally.facts[f"failed_upgrade_{module}_s"] = round(time.monotonic() - began)
            file.write_text(whole)
            assert done.returncode == 1, done.stderr
            assert said in done.stderr, done.stderr
            assert (self.current(), self.store_id()) == (before, store)
            await self.speaks(5)

    async def revoked(self) -> None:
        """A connected node that is forgotten is cut off; nobody restarts or reloads anything by hand."""
        began = 0.0
        try:
            async with self.client(OTHER) as client, asyncio.timeout(30):
                began = time.monotonic()
                forget(Registry(self.data), Credentials(self.data, SITE), self.data, OTHER, None)
                await anext(client.messages)
        except aiomqtt.MqttError:
            self.tally.facts["cut_off_ms"] = round(1000 * (time.monotonic() - began))
        else:
            raise AssertionError("a revoked node stays connected")
        await self.speaks(5)

    async def restored(self) -> None:
        """The old backup: a new store id, and what came after it is there again once the node sent it."""
        before = self.store_id()
        self.timed("restore_s", "restore", BACKUP, "--identity", KEY)
        assert self.store_id() != before
        assert OTHER not in read_keys(self.data / "keys.json"), "a forgotten node came back"
        sent, self.sent = self.sent, 10  # the backup has ten
        await self.speaks(sent - self.sent)
        with Reader.open(self.data / "store.db") as reader:
            found = [(node, seq) for node, _, seq, _ in reader.identities()]
        assert found == [(NODE, seq) for seq in range(sent)], found
        self.tally.facts["records"] = sent

    def exported(self) -> None:
        self.guest.run("/source/run", "export", EXPORT)
        lines = (self.inside(EXPORT) / f"records/{NODE}.csv").read_text().splitlines()
        assert len(lines) == 1 + self.sent

    def current(self) -> str:
        return (self.guest.root / "opt/sensornett/current").readlink().name

    def store_id(self) -> bytes:
        with Reader.open(self.data / "store.db") as reader:
            return reader.store_id

    def wait(self, true: Any, else_say: str, within_s: float = 60) -> None:
        end = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < end, else_say
            time.sleep(0.2)
