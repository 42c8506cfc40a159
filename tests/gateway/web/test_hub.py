"""Open pages are told everything in order, and a slow one is closed rather than waited for."""

import pytest

from gateway.web.hub import CLIENTS_MAX, QUEUE_MAX, Event, Full, Hub

TICK = Event("tick", "{}")


async def test_everybody_hears_what_is_for_them() -> None:
    hub = Hub()
    nb, en = hub.join("nb"), hub.join("en")
    assert hub.languages == {"nb", "en"}
    hub.send(Event("card", "1"), "nb")
    hub.send(TICK)
    hub.close()
    assert [event async for event in nb.events()] == []  # closing drops what nobody will read
    assert [event async for event in en.events()] == []


async def test_events_come_in_order() -> None:
    hub = Hub()
    nb, en = hub.join("nb"), hub.join("en")
    hub.send(Event("card", "1"), "nb")
    hub.send(TICK)
    events, others = nb.events(), en.events()
    assert [await anext(events), await anext(events)] == [Event("card", "1"), TICK]
    assert await anext(others) == TICK


async def test_a_page_that_does_not_keep_up_is_closed_and_the_others_are_not() -> None:
    hub = Hub()
    slow, quick = hub.join("nb"), hub.join("nb")
    events = quick.events()
    for _ in range(QUEUE_MAX + 1):
        hub.send(TICK)
        await anext(events)
    assert len(hub) == 1
    assert [event async for event in slow.events()] == []


async def test_no_more_pages_than_the_gateway_serves() -> None:
    hub = Hub()
    clients = [hub.join("nb") for _ in range(CLIENTS_MAX)]
    with pytest.raises(Full):
        hub.join("nb")
    hub.leave(clients[0])
    hub.leave(clients[0])  # twice does no harm
    hub.join("nb")
