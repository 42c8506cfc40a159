"""What people ask for through the control socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.control import ControlError
from tests.gateway.alerts.running import Running


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    yield running
    await running.close()


async def test_people_through_the_socket(running: Running) -> None:
    ask = running.verbs
    await running.clog()
    listed = await ask["alerts_list"]({})
    assert listed["standing"][0]["id"] == "rista-tettes/11"
    assert listed["messages_waiting"] == len(running.messages())
    answer = await ask["alerts_ack"]({"id": "rista-tettes/11", "by": "vakt"})
    assert answer == {"rule": "rista-tettes", "node": 11, "state": "alerting"}
    with pytest.raises(ControlError, match="vakt has acknowledged it"):
        await ask["alerts_ack"]({"id": "rista-tettes/11", "by": "annen"})
    with pytest.raises(ControlError, match="active alerts: "):
        await ask["alerts_ack"]({"id": "11", "by": "vakt"})
    for wrong in (
        {"id": "x/11", "by": "v"},
        {"id": "tull", "by": "v"},
        {"by": "v"},
        {"id": "rista-tettes/11"},
    ):
        with pytest.raises(ControlError):
            await ask["alerts_ack"](wrong)
    await ask["alerts_shelve"]({"id": "kulvert-60/11", "by": "vakt", "minutes": 30, "note": "flom"})
    with pytest.raises(ControlError, match="a shelf ends"):
        await ask["alerts_shelve"]({"id": "kulvert-60/11", "by": "vakt", "minutes": 30_000})
    await ask["alerts_unshelve"]({"id": "kulvert-60/11", "by": "vakt"})
    await ask["alerts_out_of_service"]({"id": "isfare/11", "by": "tekniker"})
    assert (await ask["alerts_list"]({}))["watches"]["out_of_service"] == 1
    await ask["alerts_in_service"]({"id": "isfare/11", "by": "tekniker"})
    await ask["alerts_maintain"]({"node": 12, "by": "tekniker", "minutes": 60})
    assert (await ask["alerts_list"]({}))["maintenance"] == {"12": running.now_ms // 1000 + 3600}


async def test_closing_the_loop(running: Running) -> None:
    ask = running.verbs
    await running.clog()
    await ask["alerts_ack"]({"id": "rista-tettes/11", "by": "vakt"})
    await ask["alerts_close"](
        {"id": "rista-tettes/11", "outcome": "real", "by": "vakt", "on_site_min": 25, "note": "kvist"}
    )
    for wrong, message in (
        ({"outcome": "maybe"}, "one of: real, false, handled"),
        ({"occurrence": 7}, "no alert number 7"),
        ({"by": " "}, "who you are"),
    ):
        with pytest.raises(ControlError, match=message):
            await ask["alerts_close"]({"id": "rista-tettes/11", "outcome": "real", "by": "v"} | wrong)
    await ask["alerts_inspect"]({"node": 11, "by": "vakt", "blocked_percent": 80, "cleaned": True})
    await ask["alerts_inspect"]({"node": 11, "by": "vakt", "blocked_percent": 5})
    with pytest.raises(ControlError, match="0 to 100"):
        await ask["alerts_inspect"]({"node": 11, "by": "vakt", "blocked_percent": 101})
    answer = await ask["alerts_history"]({"node": 11})
    assert {e["outcome"] for e in answer["events"] if e["rule"] == "rista-tettes"} == {"real"}
    (line,) = [f for f in answer["figures"] if f["rule"] == "rista-tettes"]
    assert (line["precision"], line["alerts"], line["inspections"], line["needless_inspections"]) == (
        1,
        1,
        2,
        1,
    )
    assert line["acknowledged_after_s"] is not None
