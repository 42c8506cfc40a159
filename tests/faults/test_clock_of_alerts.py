"""Whatever the gateway's clock shows, alerts are raised, told and cleared, and the page is there."""

from collections.abc import Callable
from datetime import datetime
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
            running.now_ms = 1000 * shown(record.measured_at_s + second)
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
