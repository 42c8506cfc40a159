"""Whatever the gateway's clock shows, alerts are raised, told and cleared, and the page is there."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.alerts.watches import GATEWAY
from gateway.model import StoredRecord
from gateway.store import Change
from gateway.web.live import Live
from gateway.web.pages import Pages
from tests.gateway.alerts.made import T0, intake, site, stored
from tests.gateway.alerts.running import CLOGGED, Running
from tests.gateway.web.test_pages import get

OSLO = ZoneInfo("Europe/Oslo")
HOUR_S = 3600
SPRING_S = int(datetime(2027, 3, 28, 1, 40, tzinfo=OSLO).timestamp())  # at 2 it is 3
AUTUMN_S = int(datetime(2026, 10, 25, 1, 40, tzinfo=OSLO).timestamp())  # at 3 it is 2 again

Shown = Callable[[int], int]  # the true second -> what the gateway's clock shows
CLOCKS: dict[str, tuple[int, Shown]] = {
    "right": (T0, lambda true_s: true_s),
    "boot in 1970": (T0, lambda true_s: true_s - T0 + 60),
    "1970, then right": (T0, lambda true_s: true_s if true_s > T0 + 1200 else true_s - T0 + 60),
    "an hour forward": (T0, lambda true_s: true_s + HOUR_S * (true_s > T0 + 1200)),
    "an hour back": (T0, lambda true_s: true_s - HOUR_S * (true_s > T0 + 1200)),
    "a year ahead, then right": (T0, lambda true_s: true_s + 365 * 86_400 * (true_s <= T0 + 1200)),
    "summer time begins": (SPRING_S, lambda true_s: true_s),
    "summer time ends": (AUTUMN_S, lambda true_s: true_s),
}


async def play(running: Running, shown: Shown, records: list[StoredRecord], full: bool) -> None:
    """Records come as they are measured, and the disk is full or has room again meanwhile."""
    for record in records:
        for second in (0, 5, 10):
            true_s = record.measured_at_s + second
            running.now_ms = 1000 * shown(true_s)
            running.stepped_s = shown(true_s) - true_s
            running.own["disk_full"] = int(full)
            if second == 5:
                running.seq += 1
                await running.store.append(Change(records=(stored(record, running.seq),)))
            while await running.alerts.step():
                pass


@pytest.mark.parametrize("name", CLOCKS)
async def test_alerts_and_page_go_on(tmp_path: Path, name: str) -> None:
    start_s, shown = CLOCKS[name]
    running = Running(tmp_path)
    levels = [*CLOGGED, *[(210.0, 195.0)] * 8]
    records = [intake(start_s + 600 * i, up, down) for i, (up, down) in enumerate(levels)]
    clogged, cleaned = records[: len(CLOGGED)], records[len(CLOGGED) :]

    await play(running, shown, clogged, full=True)
    standing = {(alert.rule, alert.node) for alert in running.alerts.standing()}
    assert {("rista-tettes", 11), ("gateway-disk-full", GATEWAY)} <= standing
    messages = running.messages()
    assert "raised/rista-tettes/11/1" in messages
    assert f"raised/gateway-disk-full/{GATEWAY}/1" in messages

    live = Live(site())
    live.fill(running.reader, shown(clogged[-1].measured_at_s))
    pages = Pages(
        site(), live, clock=lambda: running.now_ms / 1000, judge=lambda *_: running.alerts.standing()
    )
    assert pages.look() >= {11}
    answer = await get(pages, "/?lang=en")
    assert answer.status == 200
    assert "The grate is clogging" in answer.text
    assert "The gateway&#39;s disk is full" in answer.text

    await play(running, shown, cleaned, full=False)
    left = {(alert.rule, alert.node) for alert in running.alerts.standing()}
    assert not left & {("rista-tettes", 11), ("gateway-disk-full", GATEWAY)}
    await running.close()


LOOK_S = 60  # between two looks at the alerts
STEPS: dict[str, Callable[[int], int]] = {
    "1970, then right": lambda true_s: true_s - T0 + 60,
    "five hours late, then right": lambda true_s: true_s - 5 * HOUR_S,
    "an hour ahead, then right": lambda true_s: true_s + HOUR_S,
    "a year ahead, then right": lambda true_s: true_s + 365 * 86_400,
}
# On the true time: the database refuses everything from the start, which is an alert after 10 minutes; a
# grate clogs within an hour, which is told to the next after each quarter more; the disk is full after half
# an hour, which is told after each hour; all is well with the gateway after four hours.
PENDING_S, ALERTING_S, ESCALATED_S, TWICE_S = 300, 3600, 6000, 10_000


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def happened(folder: Path, shown: Shown, restart_s: int = -1) -> list[tuple[str, int, str, int]]:
    """Return what happens within five hours: rule, node, kind, and when on the true time.

    `restart_s`: when the gateway, not the machine, is started anew.
    """
    running = Running(folder)
    running.step_clock(shown(T0))
    running.alerts.journal.close()
    running.reader.close()
    running.open()  # started while the clock was wrong
    found: list[tuple[str, int, str, int]] = []
    for after_s in range(0, 5 * HOUR_S, LOOK_S):
        running.now_ms = 1000 * shown(T0 + after_s)
        running.stepped_s = shown(T0 + after_s) - (T0 + after_s)
        if after_s == restart_s:
            await running.restart(cleanly=True)
        well = after_s >= 4 * HOUR_S
        running.own.update(sync_held=int(not well), disk_full=int(after_s >= 1800 and not well))
        if after_s % 600 == 0 and after_s // 600 < len(CLOGGED):
            running.seq += 1
            record = intake(T0 + after_s, *CLOGGED[after_s // 600])
            await running.store.append(Change(records=(stored(record, running.seq),)))
        known = len(running.events())
        while await running.alerts.step():
            pass
        found += [(rule, node, kind, after_s) for _, rule, node, _, kind, *_ in running.events()[known:]]
    await running.close()
    # What else is said of the grate's node hangs on its readings' age, which a wrong clock does not know.
    return [event for event in found if event[1] != 11 or event[0] == "rista-tettes"]


@pytest.mark.parametrize(
    ("stepped_s", "restarts"),
    [(PENDING_S, False), (ALERTING_S, True), (ALERTING_S, False), (ESCALATED_S, True), (TWICE_S, False)],
)
async def test_a_step_of_the_clock_changes_nothing_of_what_happens_and_when(
    tmp_path: Path, stepped_s: int, restarts: bool
) -> None:
    """None comes at once, none late: not what is pending, nor an escalation, nor its end.

    With a restart, the clock is put right while the gateway does not run.
    """
    restart_s = stepped_s if restarts else -1
    expected = await happened(made(tmp_path / "right"), lambda true_s: true_s, restart_s)
    own = [(kind, at_s) for rule, _, kind, at_s in expected if rule == "gateway-disk-full"]
    assert [kind for kind, _ in own] == ["raised", *["escalated"] * 3, "cleared"]
    assert [kind for rule, _, kind, _ in expected if rule == "rista-tettes"].count("escalated") == 3
    assert [later - sooner for (_, sooner), (_, later) in pairwise(own[:4])] == [HOUR_S] * 3
    for name, wrong in STEPS.items():
        found = await happened(
            made(tmp_path / name),
            lambda t, wrong=wrong: wrong(t) if t < T0 + stepped_s else t,  # type: ignore[misc]
            restart_s,
        )
        assert [event[:3] for event in found] == [event[:3] for event in expected], name
        late = [abs(a[3] - b[3]) for a, b in zip(found, expected, strict=True)]
        assert max(late) <= LOOK_S, (name, found)


def boot(running: Running, shown_s: int) -> None:
    """The machine starts anew, and its clock shows a moment then."""
    running.boot += " and another"
    running.step_clock(shown_s)


@pytest.mark.parametrize("before_s", [60, T0, T0 + 86_400])
@pytest.mark.parametrize("after_s", [60, T0 - 86_400, T0 + 5])
async def test_after_a_boot_with_another_clock_no_escalation_comes_early_and_none_stays_away(
    tmp_path: Path, before_s: int, after_s: int
) -> None:
    running = Running(tmp_path)
    boot(running, before_s)
    await running.restart(cleanly=True)
    running.own["disk_full"] = 1

    async def pass_by(seconds: int) -> list[str]:
        known = len(running.events())
        for _ in range(0, seconds, 60):
            running.now_ms += 60_000
            while await running.alerts.step():
                pass
        return [event[4] for event in running.events()[known:] if event[1] == "gateway-disk-full"]

    assert await pass_by(1800) == ["raised"]
    boot(running, after_s)
    await running.restart(cleanly=True)
    assert await pass_by(1200) == []
    assert await pass_by(2400) == ["escalated"]
    if after_s < T0 - 86_400:  # and now it is put right while it runs
        running.step_clock(T0 + 5000)
        assert await pass_by(3000) == []
        assert await pass_by(1200) == ["escalated"]
    await running.close()


@pytest.mark.parametrize("ahead_s", [HOUR_S, 86_400, 365 * 86_400])
@pytest.mark.parametrize("restarts", [False, True])
async def test_nodes_that_were_told_a_time_ahead_are_judged_and_missed_as_soon_as_it_is_right(
    tmp_path: Path, ahead_s: int, restarts: bool
) -> None:
    """Their records of the time to come must not make history of those that follow."""
    running = Running(tmp_path)
    running.step_clock(T0 + ahead_s)
    for i in range(12):
        running.now_ms = 1000 * (T0 + ahead_s + 600 * i)
        await running.store_record(intake(T0 + ahead_s + 600 * i, 200, 190))
        while await running.alerts.step():
            pass
    right_s = T0 + 600 * 12
    running.step_clock(right_s)
    if restarts:
        await running.restart(cleanly=True)
    await running.clog(right_s)
    assert [e[4] for e in running.events() if e[1] == "rista-tettes"][:1] == ["raised"]
    ended_s = right_s + 600 * len(CLOGGED)
    for after_s in range(0, 3 * HOUR_S, LOOK_S):
        running.now_ms = 1000 * (ended_s + after_s)
        await running.alerts.step()
    assert [e[4] for e in running.events() if e[1] == "inntak-uten-data" and e[2] == 11][:1] == ["raised"]
    await running.close()


async def test_a_node_that_falls_silent_in_1970_is_missed(tmp_path: Path) -> None:
    """The gateway has no network and no time; its nodes have, from before."""
    running = Running(tmp_path)
    await running.store_record(intake(T0, 200, 190))
    await running.alerts.step()
    boot(running, 60)
    await running.restart(cleanly=True)
    silent: list[int] = []
    for minute in range(8 * 60):
        running.now_ms += 60_000
        if minute < 240 and minute % 10 == 0:
            running.seq += 1
            record = stored(intake(T0 + 3600 + 60 * minute, 200, 190), running.seq)
            await running.store.append(Change(records=(record,)))
        await running.alerts.step()
        if running.alerts.engine.states["inntak-uten-data", 11].active:
            silent.append(minute)
    assert silent, "nobody misses it"
    assert 240 < silent[0] < 400
    await running.close()
