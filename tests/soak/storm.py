"""Sixty nodes through 72 hours: heavy snow, a flood, clogged grates, an internet that is away for 20 hours, a
USB bridge whose cable is out while the flood stands, a power cut at the gateway, and an update that fails on
its first node.

Four of the nodes run in real MicroPython on virtual boards behind a real broker, with the update among what
happens to them; the other 56 are the firmware's own conversation, backlog and seal on a timeline, by Wi-Fi,
by a packet forwarder, by the bridge, or by both. Store, ingest, alerts, notifier, Apprise, gammu-smsd, sync
and InfluxDB are the real ones. The report is storm.html, beside the JSON file.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cloud_sync.query import points
from device_configs.model import Site
from gateway.alerts.paging import Message
from gateway.buildings import Sources
from gateway.control import ControlError, request
from gateway.model import StoredRecord
from gateway.store import Reader
from gateway.store.meter_hours import MeterHours, wanted
from tests.soak import storm_scene as scene
from tests.soak.radio import air_is_lawful
from tests.soak.radio_town import EUI
from tests.soak.storm_boards import Boards, Identity, keys
from tests.soak.storm_bridge import ID
from tests.soak.storm_people import Internet, People, modem
from tests.soak.storm_report import Story, write
from tests.soak.storm_town import HOUR_S, LOOK_S, Measuring, StormTown
from tests.soak.tally import Tally
from tools.ledger_command import account
from tools.servers import InfluxDB

SLICE_S = 60.0
MORNING_H = 79.3  # at 07:00 the last things are told; nothing is measured any more
AFTER_H = 2.5  # what is missing is sent
DATABASE = "storm"
SYNCED_WITHIN_S = 600.0  # real: a limit, not a measure


def run(tally: Tally) -> None:
    seed = tally.first_seed
    with tally.run(seed), tempfile.TemporaryDirectory(prefix="storm-") as folder:
        storm(tally, Path(folder), seed)


def start_ms() -> int:
    """Return a midnight in Norway, four days ago: all of it lies in the past."""
    zone = ZoneInfo("Europe/Oslo")
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4)
    return round(midnight.timestamp()) * 1000


class Storm:
    """Everything that takes part, and what happens when."""

    def __init__(self, folder: Path, seed: int, tally: Tally, gammu: Any) -> None:
        self.tally = tally
        self.site = scene.storm_site()
        self.start_ms = start_ms()
        self.town = StormTown(folder, seed, self.site, self.start_ms, keys())
        self.boards = Boards(folder, self.site, self.start_ms)
        self.internet = Internet()
        self.people = People(self.site, self.internet, gammu)
        self.influxdb = InfluxDB(folder / "influxdb")
        self._sync: subprocess.Popen[bytes] | None = None
        self.story = Story()

    def live(self) -> None:
        """Let the hours pass."""
        town, later = self.town, self.town.timeline.call_later
        self.influxdb.start()
        self.internet.come()
        self._start_sync()
        town.run(self._begin())
        for hour, call in (
            (scene.INTERNET_AWAY_H[0], self._internet_goes), (scene.INTERNET_AWAY_H[1], self._internet_comes),
            (scene.BRIDGE_OUT_H[0], town.unplug_bridge), (scene.BRIDGE_OUT_H[1], town.plug_bridge),
            (scene.GATEWAY_OFF_H[0], self._gateway_off), (scene.GATEWAY_OFF_H[1], self._gateway_on),
            (scene.UPDATE_H, self._update), (MORNING_H, self._stop_measuring),
        ):  # fmt: skip
            later(hour * HOUR_S, call)
        nodes = {node.number: node for node in town.nodes}
        for number, (off_h, on_h) in scene.SILENT_H.items():
            later(off_h * HOUR_S, nodes[number].power_off)
            later(on_h * HOUR_S, nodes[number].boot)
        later(LOOK_S, self._look)
        end_s = (MORNING_H + AFTER_H) * HOUR_S
        while town.timeline.monotonic_s() < end_s:
            town.timeline.run_until(town.timeline.monotonic_s() + SLICE_S)
            if town.measuring:
                self.boards.follow(town)
            if town.timeline.monotonic_s() % (HOUR_S / 2) < SLICE_S:
                self._note_backlog()
            if town.timeline.monotonic_s() % (6 * HOUR_S) < SLICE_S:
                self.tally.tell(f"hour {town.hour:.0f}: {len(town.stored())} records in the store")

    async def _begin(self) -> None:
        await self.boards.start(self.town)
        self._people_follow()

    def _people_follow(self) -> None:
        assert self.town.alerts is not None
        self.people.follow(self.town.alerts, self.town.now_ms)

    def _look(self) -> None:
        if not self.town.measuring:
            return  # all would be found silent
        self.town.timeline.call_later(LOOK_S, self._look)
        self.town.run(self.people.look(self.town.now_ms() // 1000))

    # What happens

    def _internet_goes(self) -> None:
        self.internet.go()
        self.influxdb.stop()

    def _internet_comes(self) -> None:
        self.internet.come()
        self.influxdb.start()

    def _gateway_off(self) -> None:
        self.town.run(self.people.leave())
        self._kill_sync()
        self.town.cut_gateway()

    def _gateway_on(self) -> None:
        self.town.start_gateway()
        self._start_sync()

        async def follow() -> None:
            self._people_follow()

        self.town.run(follow())

    def _update(self) -> None:
        self.town.run(self.boards.offer_broken(self.town.state))

    def _stop_measuring(self) -> None:
        """The boards go to the store room; what they measured is read from their flash."""
        self.town.measuring = False

    # The sync process

    def _start_sync(self) -> None:
        program = Path(__file__).with_name("storm_sync.py")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, str(program), str(self.town.state), self.influxdb.url, DATABASE]
        self._sync = subprocess.Popen(command, env=environment)

    def _kill_sync(self) -> None:
        if self._sync is not None:
            self._sync.kill()
            self._sync.wait()
            self._sync = None

    def _note_backlog(self) -> None:
        """Note for the report how far sync is, where both can be asked."""
        try:
            said = request(self.town.state / "sync.sock", {"do": "status"})
        except ControlError:
            return
        if self.town.forwarders is not None:
            self.story.backlog.append((self.town.hour, len(self.town.stored()), int(said["synced"])))

    async def synced(self) -> dict[str, Any]:
        """Wait until sync has nothing left to do; return what it says of itself."""
        async with asyncio.timeout(SYNCED_WITHIN_S):
            while True:
                try:
                    said = await asyncio.to_thread(request, self.town.state / "sync.sock", {"do": "status"})
                    if not said["pending"] and said["synced"]:
                        return dict(said)
                except ControlError:
                    pass
                await asyncio.sleep(0.2)

    def close(self) -> None:
        self._kill_sync()
        self.town.run(self.people.leave())
        self.town.close()
        self.influxdb.stop()
        self.internet.go()


@contextmanager
def opened(folder: Path, seed: int, tally: Tally) -> Iterator[tuple[Storm, Any]]:
    with modem(folder / "modem") as (radio, gammu):
        made = Storm(folder, seed, tally, gammu)
        try:
            yield made, radio
        finally:
            made.close()


def storm(tally: Tally, folder: Path, seed: int) -> None:
    """The whole of it. Raises AssertionError with what is wrong."""
    begun = time.monotonic()
    with opened(folder, seed, tally) as (made, radio):
        made.live()
        town = made.town
        told = town.run(made.people.told())
        town.run(made.boards.stop())
        said = town.run(made.synced())
        assert said["quarantined"] == said["dropped"] == 0, said
        stored = town.stored()
        sets_equal(tally, made, stored)
        ledger_closes(tally, town.state, made.site, len(stored))
        each_was_heard_where_it_is(tally, made, stored)
        air_is_lawful(tally, town.medium)
        pages_are_those_expected(tally, made, told, len(radio.sent))
        energy_is_the_registers(tally, town, made.site)
        assert made.boards.wave_said not in ("", "it went through"), made.boards.wave_said
        assert made.boards.offered == [scene.REAL[0]], f"the wave went on: {made.boards.offered}"
        tally.facts |= {
            "nodes": len(made.site.nodes),
            "micropython": len(scene.REAL),
            "board_wakes": sum(b.counts.wakes for b in made.boards.boards.values()),
            "update_wave": made.boards.wave_said,
            "seconds": round(time.monotonic() - begun),
            "seed": seed,
        }
        report = tally.folder / "storm.html"
        write(report, made.site, made.story, tally.facts, stored, told, made.start_ms)
        tally.facts["report"] = str(report)


def sets_equal(tally: Tally, made: Storm, stored: list[StoredRecord]) -> None:
    """What was measured, what is stored and what InfluxDB has are the same sets."""
    measured: set[Identity] = made.boards.measured()
    count = sum(len(node.measured) for node in made.town.nodes) + len(measured)
    for node in made.town.nodes:
        measured |= {(node.number, node.epoch, seq, row) for seq, (_, row) in enumerate(node.measured)}
    assert len(measured) == count
    there = {(r.node, r.epoch, r.seq, r.values) for r in stored}
    assert len(there) == len(stored), "a record is stored twice"
    missing = Counter(node for node, *_ in measured - there)
    assert not missing, f"not stored: {dict(missing)}"
    assert there <= measured, f"stored, though nobody measured it: {list(there - measured)[:3]}"
    written: set[Identity] = set()
    for profile in {node.profile.name: node.profile for node in made.site.nodes}.values():
        keys_ = [channel.key for channel in profile.channels]
        found = made.town.run(points(made.influxdb.url, "v1", DATABASE, profile.name))
        for p in found:
            written.add((int(p["node"]), int(p["epoch"]), int(p["seq"]), tuple(p.get(k) for k in keys_)))  # type: ignore[misc]
    assert written == there, f"{len(written - there)} points too many, {len(there - written)} too few"
    tally.facts |= {"measured": len(measured), "stored": len(stored), "influxdb": len(written)}


def ledger_closes(tally: Tally, state: Path, site: Site, stored: int) -> None:
    with Reader.open(state / "store.db") as reader:
        answer = account(reader, int(time.time()), 9, None, {n.id: n.interval_s for n in site.nodes})
    assert answer["missing"] == answer["lost"] == answer["open_days"] == 0, answer
    assert answer["measured"] == answer["heard"] == stored
    tally.facts |= {"ledger_missing": 0, "ledger_lost": 0, "ledger_days": len(answer["days"])}


def each_was_heard_where_it_is(tally: Tally, made: Storm, stored: list[StoredRecord]) -> None:
    """Nodes of all kinds came by each carrier, and the bridge started anew whenever it got power."""
    names = {EUI.hex(): scene.CONCENTRATOR, ID.hex(): scene.BRIDGE}
    ways: Counter[str] = Counter()
    kinds = set()
    for record in stored:
        node = made.site.node(record.node)
        receivers = {names[heard.receiver] for heard in record.receivers}
        assert receivers <= set(scene.heard_by(node)), f"{node.name} was heard by {receivers}"
        way = " and ".join(sorted(receivers)) or "wifi"
        ways[way] += 1
        kinds.add((node.profile.name, way))
    assert len(ways) == 4, ways
    assert len(kinds) == len(scene.COUNTS) * len(ways), kinds
    counts = made.town.radio_counts()
    assert counts["bridge starts"] == 3, counts  # in the beginning, and after each time without power
    tally.facts |= {"records_by_way": dict(ways), "radio": dict(counts)}


def pages_are_those_expected(tally: Tally, made: Storm, told: list[tuple[Message, str]], sms: int) -> None:
    """Each thing is told once, in its time, and nothing else is."""
    due = {e.what: e for e in scene.expected_pages(made.site)}
    seen: Counter[tuple[str, str, int]] = Counter()
    wrong = []
    for message, _ in told:
        for member in message.members:
            what = (message.kind, member.rule, member.node)
            seen[what] += 1
            hour = (max(message.created_s, message.due_s) - made.start_ms // 1000) / HOUR_S
            expected = due.get(what)
            if expected is not None and not expected.from_h <= hour <= expected.to_h:
                wrong.append(f"{what} at {hour:.2f} h, not {expected.from_h}-{expected.to_h}")
    wrong += [f"{what} was told {count} times" for what, count in seen.items() if count != 1]
    wrong += [f"{what} was not told" for what in due.keys() - seen.keys()]
    wrong += [f"{what} was told for no reason" for what in seen.keys() - due.keys()]
    assert not wrong, f"{len(wrong)} pages are not as expected: " + "; ".join(sorted(wrong)[:40])
    by = Counter(channel for _, channel in told)
    assert set(by) == {"json", "sms"}, by
    keys_ = [message.key for message, channel in told if channel == "json"]
    assert sorted(made.internet.keys) == sorted(keys_), "what arrived is not what the receipts say"
    assert sms == by["sms"], f"the modem sent {sms} messages, the receipts say {by['sms']}"
    tally.facts |= {"told": len(due), "messages": len(told), "by_internet": by["json"], "by_sms": by["sms"]}


def energy_is_the_registers(tally: Tally, town: StormTown, site: Site) -> None:
    """A building's hours add up to what its meter's register counted, to the watt-hour."""
    nodes = {node.number: node for node in town.nodes}
    with Reader.open(town.state / "store.db") as reader, MeterHours.open(None, town.now_ms()) as meter_hours:
        meter_hours.follow(reader, wanted(site))
        total_wh = 0
        for energy in Sources(site, meter_hours, None).buildings():
            (meter,) = energy.building.meters
            node = nodes[meter.node]
            assert isinstance(node, Measuring)
            display = [row[2] for _, row in node.measured if row[2] is not None]
            counted_wh = (display[-1] - display[0]) * int(meter.meter_factor)
            hours_wh = sum(hour.wh for hour in energy.from_nodes)
            assert hours_wh == counted_wh, f"{energy.building.id}: {hours_wh} Wh, register {counted_wh} Wh"
            total_wh += hours_wh
    tally.facts["energy_kwh"] = total_wh / 1000
