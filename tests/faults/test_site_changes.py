"""A site is changed while records wait and alerts stand: nothing is lost, and nobody is paged for nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from cloud_sync.influx import Connection, V1Writer
from cloud_sync.line_protocol import encoder
from cloud_sync.query import points
from cloud_sync.worker import Worker
from device_configs.alert_schema import Rule
from device_configs.model import Node, Site
from gateway.alerts import step
from gateway.alerts.state import Phase
from gateway.model import Refusal
from gateway.store import Change, Reader, Store
from tests.cloud_sync.doubles import QUICK, open_journal
from tests.cloud_sync.doubles import Running as Syncing
from tests.gateway.alerts.made import T0, intake, site, snow, stored
from tests.gateway.alerts.running import Running
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import TalkingNode, key_of, record
from tools.servers import InfluxDB
from wire import control

WEEK_S = 7 * 86_400
CLOG = ("rista-tettes", 11)


def without_node(number: int) -> Site:
    return replace(site(), nodes=tuple(node for node in site().nodes if node.id != number))


def with_node(node: Node) -> Site:
    return replace(site(), nodes=tuple(node if n.id == node.id else n for n in site().nodes))


def without_rule(name: str) -> Site:
    return replace(site(), rules=tuple(rule for rule in site().rules if rule.id != name))


def with_rule(rule: Rule) -> Site:
    return replace(site(), rules=tuple(rule if r.id == rule.id else r for r in site().rules))


async def test_a_node_that_was_removed_keeps_its_records_until_it_is_there_again(tmp_path: Path) -> None:
    bench, node = Bench(tmp_path / "store.db"), TalkingNode()
    await bench.introduce(node)
    node.hear(await bench.take(node.data(record(0))))
    await bench.restart({12: key_of(12)})
    assert await bench.take(node.data(record(1)), node.data(record(2))) == []
    assert bench.refused()[Refusal.UNKNOWN_NODE] == 2
    await bench.restart()
    told = node.hear(await bench.take(node.data(record(0), record(1), record(2), record(3))))
    assert told[control.ACK] == [node.epoch & 0xFF, 4]
    assert bench.stored() == [0, 1, 2, 3]
    await bench.store.close()


@pytest.mark.servers
async def test_what_waits_for_sync_is_written_whatever_became_of_its_node(tmp_path: Path) -> None:
    """Removed: it waits in quarantine, with the reason. Moved, renamed, there again: the same series."""
    store = Store.open(tmp_path / "store.db")
    made = [intake(T0 + 600 * n, 200) for n in range(50)] + [snow(T0 + 600 * n, 400) for n in range(30)]
    await store.append(Change(records=[stored(one, seq) for seq, one in enumerate(made)]))
    at_home = site().node(11)
    moved = replace(at_home, name="Et annet sted", place="Et annet område", calibration=())
    with InfluxDB(tmp_path / "influxdb") as server, Reader.open(tmp_path / "store.db") as reader:
        writer = V1Writer(Connection(server.url), "changed")

        async def sync(configured: Site, retries: bool = False) -> tuple[int, int]:
            worker = Worker(
                lambda: reader, journal := open_journal(tmp_path), writer, encoder(configured), pace=QUICK
            )
            running = Syncing(worker, journal)
            await running.settled()
            if retries:
                await worker.retry(None)
                await running.until(lambda status: status.quarantined == 0)
            status = await running.settled()
            refused = await worker.quarantine()
            assert all("is not in nodes.yaml" in one.reason for one in refused)
            await running.stop()
            return status.synced, status.quarantined

        assert await sync(without_node(11)) == (30, 50)
        await store.append(Change(records=[stored(intake(T0 + 60_000, 210), 80)]))
        assert await sync(with_node(moved), retries=True) == (81, 0)
        found = await points(server.url, "v1", "changed", at_home.profile.name)
        assert sorted(int(point["seq"]) for point in found) == [*range(50), 80]
        assert {(point["site"], point["node"]) for point in found} == {(site().id, 11)}
        await writer.close()
    await store.close()


async def test_a_rule_that_comes_back_begins_anew(tmp_path: Path) -> None:
    """It was taken out while its alert stood, and put in again a week later: no page comes of the old one."""
    running = Running(tmp_path)
    await running.clog()
    first = running.alerts.engine.states[CLOG].occurrence
    running.site = without_rule(CLOG[0])
    await running.restart(cleanly=True)
    running.now_ms += 1000 * WEEK_S
    await running.alerts.step()
    running.site = site()
    await running.restart(cleanly=True)
    known, messages = len(running.events()), running.messages()
    while await running.alerts.step():
        pass
    assert [e for e in running.events()[known:] if e[1] == CLOG[0]] == []
    assert CLOG not in [(one.rule, one.node) for one in running.alerts.standing()]
    await running.clog(running.now_ms // 1000 + 600)
    (raised,) = [e for e in running.events()[known:] if e[1] == CLOG[0] and e[4] == "raised"]
    assert raised[3] == first + 1, "an occurrence of its own, so that its message is one, too"
    assert f"raised/rista-tettes/11/{first + 1}" in set(running.messages()) - set(messages)
    await running.close()


async def test_a_rule_whose_node_is_repaired_stays_out_of_service_over_a_removal(tmp_path: Path) -> None:
    running = Running(tmp_path)
    await running.alerts.wish(CLOG, lambda _, state: step.take_out_of_service(state, "vakt", T0))
    for configured in (without_rule(CLOG[0]), site()):
        running.site = configured
        await running.restart(cleanly=True)
        await running.alerts.step()
    await running.clog()
    state = running.alerts.engine.states[CLOG]
    assert (state.active, state.announced, state.out_of_service_by) == (True, False, "vakt")
    await running.close()


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_limit_that_is_changed_while_its_alert_stands(tmp_path: Path, acknowledged: bool) -> None:
    """Put higher, the next readings end the alert; put lower, it goes on as it was, told once."""
    name = next(rule.id for rule in site().rules if rule.above is not None and rule.key == "up_level_mm")
    rule = next(rule for rule in site().rules if rule.id == name)
    assert rule.above is not None
    id_, level_mm = (name, 11), rule.above + 150
    running = Running(tmp_path)

    async def readings(count: int) -> None:
        for _ in range(count):
            running.now_ms += 600_000
            await running.store_record(intake(running.now_ms // 1000, level_mm, level_mm - 10))
            while await running.alerts.step():
                pass

    await readings(8)
    assert running.alerts.engine.states[id_].active
    if acknowledged:
        await running.alerts.wish(
            id_, lambda _, state: step.acknowledge(state, "vakt", running.now_ms // 1000)
        )
    before = running.alerts.engine.states[id_]
    running.site = with_rule(rule.model_copy(update={"above": rule.above - 100}))
    await running.restart(cleanly=True)
    await readings(2)
    after = running.alerts.engine.states[id_]
    assert (after.active, after.occurrence) == (True, before.occurrence)
    assert after.acknowledged_by == before.acknowledged_by
    running.site = with_rule(rule.model_copy(update={"above": rule.above + 1000}))
    await running.restart(cleanly=True)
    await readings(12)
    state = running.alerts.engine.states[id_]
    if rule.latching and not acknowledged:
        assert state.over
        await running.alerts.wish(
            id_, lambda _, state: step.acknowledge(state, "vakt", running.now_ms // 1000)
        )
        state = running.alerts.engine.states[id_]
    assert state.phase is Phase.NORMAL
    kinds = [e[4] for e in running.events() if (e[1], e[2]) == id_]
    assert (kinds.count("raised"), kinds.count("cleared")) == (1, 1)
    await running.close()
