"""Open pages are told what happens, in order; a slow one is not waited for."""

import pytest

from gateway.web.hub import CLIENTS_MAX, Event, Full, Hub

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
    assert await anext(nb.events()) == [Event("card", "1"), TICK]
    assert await anext(en.events()) == [TICK]


async def test_a_page_that_does_not_keep_up_is_told_the_newest_of_each_thing() -> None:
    hub = Hub()
    slow = hub.join("nb")
    for i in range(1000):
        hub.send(Event("card", str(i), "11"))
        hub.send(Event("card", str(i), "12"))
    hub.send(TICK)
    assert len(slow.pending) == 3
    told = await anext(slow.events())
    assert told == [Event("card", "999", "11"), Event("card", "999", "12"), TICK]


async def test_what_comes_while_a_page_is_told_comes_after() -> None:
    hub = Hub()
    client = hub.join("nb")
    hub.send(Event("card", "1", "11"))
    hub.send(TICK)
    events = client.events()
    assert await anext(events) == [Event("card", "1", "11"), TICK]
    hub.send(TICK)
    hub.send(Event("card", "2", "11"))
    assert await anext(events) == [TICK, Event("card", "2", "11")]


def test_an_event_is_encoded_as_the_standard_says() -> None:
    assert Event("card", '{"a":"å"}').encoded == 'event: card\ndata: {"a":"å"}\n\n'.encode()


async def test_no_more_pages_than_the_gateway_serves() -> None:
    hub = Hub()
    clients = [hub.join("nb") for _ in range(CLIENTS_MAX)]
    with pytest.raises(Full):
        hub.join("nb")
    hub.leave(clients[0])
    hub.leave(clients[0])  # twice does no harm
    hub.join("nb")
