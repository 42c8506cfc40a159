"""The nodes' pages."""

import json
from dataclasses import replace

import pytest

from gateway.model import Heard, NodeState
from gateway.web.way import NodeCounts
from tests.gateway.web.made import NOW_S, broken_intake, snow
from tests.gateway.web.test_pages import checked, get, made

STATES = [
    NodeState(11, b"", status=json.dumps({"firmware": "1.2.3", "boot": [3, 1, 0, 0], "config": "aabbccdd"}))
]


@pytest.mark.parametrize(
    ("language", "said"), [("nb", "Sjekk kabel og måler."), ("en", "Check cable and sensor.")]
)
async def test_the_table(language: str, said: str) -> None:
    pages = made([broken_intake(), snow(500)], states=lambda: STATES)
    pages.counts = {11: NodeCounts(1500, 1490, 2)}
    text = (await get(pages, f"/nodes?lang={language}")).text
    checked(text)
    assert said in text
    assert text.index("Taraldsvikelva") < text.index("Skistua")  # trouble first
    for told in ("1.2.3", "aabbccdd", "1\u00a0490" if language == "nb" else "1,490"):
        assert told in text
    assert text.count('<th scope="row">') == len(pages.site.nodes)


async def test_as_csv() -> None:
    answer = await get(made([broken_intake()], states=lambda: STATES), "/nodes.csv?lang=nb")
    lines = answer.text.splitlines()
    assert lines[0].startswith("\ufeffnode;name;state;battery_mv")
    assert lines[1].startswith("11;Taraldsvikelva (demo);Sensorfeil;3580;")


async def test_how_much_each_has_reported() -> None:
    pages = made([broken_intake()], captures=lambda: {11: 93.456, 12: 99.0})
    text = (await get(pages, "/nodes?lang=en")).text
    assert '93.5 % <span class="note">below 95 %</span>' in text
    assert "99.0 %</td>" in text
    lines = (await get(pages, "/nodes.csv?lang=en")).text.splitlines()
    assert ",capture_percent," in lines[0]
    assert lines[1].endswith(",93.456,,,")  # nobody knows how many records it has made


async def test_how_long_the_batteries_last() -> None:
    pages = made([snow(500)], voltages=lambda: {21: [(86_400 * i, 3600.0) for i in range(90)]})
    pages.counts = {21: NodeCounts(52_596, 52_596, 0)}  # a year of ten minutes
    text = (await get(pages, "/nodes?lang=nb")).text
    checked(text)
    assert "2,4–4,7 år igjen" in text
    lines = (await get(pages, "/nodes.csv?lang=en")).text.splitlines()
    assert lines[0].endswith(",battery_years_low,battery_years_high,on_shelf_since_utc")
    assert next(line for line in lines if line.startswith("21,")).endswith(",2.39,4.65,")


async def test_since_when_a_node_is_on_the_shelf() -> None:
    pages = made([snow(500)], states=lambda: STATES)
    pages.live.shelve({21: NOW_S + 1}, NOW_S)
    text = (await get(pages, "/nodes?lang=nb")).text
    checked(text)
    assert text.count("På hylla") == 1
    assert "siden 18. nov. 2026 kl. 12:06" in text
    lines = (await get(pages, "/nodes.csv?lang=en")).text.splitlines()
    line = next(line for line in lines if line.startswith("21,"))
    assert ",On the shelf," in line
    assert line.endswith(",2026-11-18T11:06:41Z")
    sheet = (await get(pages, "/nodes/21/sheet?lang=en")).text
    checked(sheet)
    assert "On the shelf since" in sheet
    assert "On the shelf" not in (await get(pages, "/nodes/11/sheet?lang=en")).text


async def test_a_sheet_to_print() -> None:
    pages = made([snow(500)], states=lambda: STATES)
    text = (await get(pages, "/nodes/11/sheet")).text
    checked(text)
    for told in ("Kulvertbunn", "1\u00a0200 mm", "4\u00a0000 → \u2212200", "Besøk", "68,4447"):
        assert told in text
    assert "Måler over bakken" in (await get(pages, "/nodes/21/sheet")).text
    assert (await get(pages, "/nodes/99/sheet")).status == 404


async def test_who_heard_a_node_by_radio() -> None:
    by = (Heard("00000000000000c1", -101, 4.25, 9), Heard("00000000000000c2", -118, -9.0, 9))
    pages = made([replace(snow(500), carrier="lora", rssi_dbm=-101, snr_db=4.25, receivers=by)])
    text = (await get(pages, "/nodes?lang=en")).text
    checked(text)
    for told in ("…00c1: \u2212101 dBm", "…00c2: \u2212118 dBm", "SF9", 'title="00000000000000c2"'):
        assert told in text
    lines = (await get(pages, "/nodes.csv?lang=en")).text.splitlines()
    assert "00000000000000c1 -101 dBm SNR 4.25 dB SF9 | 00000000000000c2 -118 dBm SNR -9 dB SF9" in "".join(
        lines
    )
