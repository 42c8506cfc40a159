"""To the shelf and back by LoRa: real MicroPython, radio, air, the real gateway, its alerts and pages."""

import json
import re

from gateway.shelved import Shelf, said_by
from gateway.web.live import Live
from gateway.web.pages import Pages
from hardware.virtual.board import State
from tests.firmware.radio_lab import RadioLab
from tests.gateway.web.test_pages import get

SNOW = 21
SILENT = "sno-uten-data"  # the alert that misses a snow node after three hours


def said_of_the_shelf(lab):
    with lab.reader() as reader:
        return [json.loads(state.status).get("shelf") for state in reader.nodes()]


async def page_of(lab, path="/?lang=nb"):
    """What a reader of the gateway's page sees now."""
    now_s = lab.clock.utc_ms() / 1000
    with lab.reader() as reader:
        live = Live(lab.site)
        live.fill(reader, int(now_s))
        live.shelve(Shelf(lab.state, lambda: said_by(reader.nodes())).since_s(), now_s)
        standing = lab.gateway.alerts.standing()
        pages = Pages(lab.site, live, clock=lambda: now_s, judge=lambda *_: standing, records=reader.history)
        pages.look()
        return (await get(pages, path)).text


async def missed(lab):
    """The rules by which the node is missed, once the alerts have looked at this very moment."""
    for _ in range(2):  # one round may have begun before
        await lab.gateway.alerts.alive()
    return [each.rule for each in lab.gateway.alerts.standing()]


def card(text):
    return re.search(r'<article class="card snow is-(\w+)', text)[1]


async def test_a_lora_node_goes_to_the_shelf_unmissed_and_comes_back_to_work(tmp_path):
    lab = RadioLab(tmp_path, SNOW, alerts=True)
    await lab.start()
    try:
        await lab.board.power_on()
        await lab.until(lambda: lab.stored() >= 2 and lab.board.asleep, 2)
        assert card(await page_of(lab)) == "ok"
        assert said_of_the_shelf(lab) == [None]

        await lab.button.press(7)
        await lab.until(lambda: said_of_the_shelf(lab) == [1] and lab.board.asleep, 1, step_s=1)
        assert list(lab.gateway.ingest.shelved_ms()) == [SNOW]
        starts, stored = lab.board.counts.starts, lab.stored()
        await lab.clock.sleep(12 * 3600)
        assert (lab.board.state, lab.board.counts.starts, lab.stored()) == (State.ASLEEP, starts, stored)
        assert await missed(lab) == []
        text = await page_of(lab)
        assert card(text) == "shelf"
        assert "Alt er normalt" in text
        assert "0 av 1 steder måler nå, 1 er på hylla" in text
        assert "På hylla siden" in text
        assert "På hylla siden" in await page_of(lab, f"/node/{SNOW}?lang=nb")

        await lab.button.press()
        await lab.until(lambda: lab.stored() > stored and lab.board.asleep, 2)
        assert said_of_the_shelf(lab) == [None]
        assert lab.gateway.ingest.shelved_ms() == {}
        await lab.until(lambda: lab.stored() > stored + 2 and lab.board.asleep, 2)
        assert await missed(lab) == []
        text = await page_of(lab)
        assert card(text) == "ok"
        assert "hylla" not in text

        # Who falls silent without a word is missed: the same hours, and the same alerts.
        await lab.board.power_cut()
        await lab.clock.sleep(12 * 3600)
        assert await missed(lab) == [SILENT]
        assert card(await page_of(lab)) == "stale"
    finally:
        await lab.stop()
