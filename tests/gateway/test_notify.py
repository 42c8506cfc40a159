"""Delivery over real sockets: mail and HTTP servers that are well, down, slow, refusing, and back again."""

import asyncio
import json
import shutil
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import Message as MailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway import notify, replies
from gateway.alerts.channels import ChannelsFile
from gateway.alerts.codes import answered, assign, confirmed
from gateway.alerts.paging import Member, Message
from gateway.alerts.rota import Shift
from gateway.alerts.service import Alerts
from gateway.alerts.sms import Gammu, read_reply
from gateway.notify import Notifier, Settings
from gateway.store import Reader, Store
from tests.gateway.alerts.at_modem import AtModem, incoming, smsd, text_of, write_config
from tests.gateway.alerts.made import T0, site
from tests.gateway.alerts.running import Running
from tests.gateway.postbox import Postbox
from tests.waiting import until
from tools.servers import free_port

with warnings.catch_warnings():  # those of its own imports are for its makers
    warnings.simplefilter("ignore")
    import apprise

    apprise.Apprise().add("json://localhost")

NUMBER = "+4791234567"
MEMBER = Member("rista-tettes", 11, 1, 1.0, T0, T0, False, "up +38 cm")


class Endpoint:
    """An HTTP endpoint that keeps what it is sent; `status` is what it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.pings = 0
        self.status = 200
        self.port = free_port()  # nobody's connection takes it while this is closed

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        app.router.add_get("/ping", self._ping)
        runner = web.AppRunner(app)
        await runner.setup()
        listening = web.TCPSite(runner, "127.0.0.1", self.port)
        await listening.start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.status == 200:
            self.got.append(body)
        return web.Response(status=self.status)

    async def _ping(self, _: web.Request) -> web.Response:
        self.pings += 1
        return web.Response()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "BACKOFF_S", 0.1)
    monkeypatch.setattr(notify, "BACKOFF_MAX_S", 0.3)
    monkeypatch.setattr(notify, "WAIT_S", 0.1)
    monkeypatch.setattr(replies, "LOOK_S", 0.2)


@pytest.fixture
async def alerts(tmp_path: Path) -> AsyncIterator[Alerts]:
    store = Store.open(tmp_path / "store.db")
    reader = Reader.open(tmp_path / "store.db")
    alerts = Alerts(site(), tmp_path, reader, now_ms=lambda: T0 * 1000, monotonic=lambda: 0)
    yield alerts
    await alerts.close()
    reader.close()
    await store.close()


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    postbox = Postbox()
    await postbox.open()
    yield postbox
    await postbox.close()


def channels(*listed: dict[str, object], **more: object) -> ChannelsFile:
    return ChannelsFile.model_validate_json(json.dumps({"channels": listed, **more}))


def mail(postbox: Postbox, recipient: str = "vei", patience_s: int = 60) -> dict[str, object]:
    times = f"rto={patience_s}&cto={patience_s}"
    return {
        "recipient": recipient,
        "url": f"mailto://127.0.0.1:{postbox.port}?from=gw@x.no&to=vakt@x.no&{times}",
    }


def hook(endpoint: Endpoint, recipient: str = "vei") -> dict[str, object]:
    return {"recipient": recipient, "url": f"json://127.0.0.1:{endpoint.port}/hook?rto=60&cto=60"}


@asynccontextmanager
async def delivering(
    alerts: Alerts, settings: Settings, now_ms: Callable[[], int] = lambda: T0 * 1000
) -> AsyncIterator[Notifier]:
    notifier = Notifier(alerts, settings, now_ms=now_ms)
    task = asyncio.create_task(notifier.run())
    yield notifier
    task.cancel()
    await asyncio.wait([task])


def message(key: str = "raised/rista-tettes/11/1", kind: str = "raised", recipient: str = "vei") -> Message:
    return Message(key, recipient, "alarm", kind, T0, T0, (MEMBER,))


async def put(alerts: Alerts, *messages: Message) -> None:
    for each in messages:
        await alerts.write(lambda journal, each=each: journal.put(each))  # type: ignore[misc]
    alerts.messages_wait()


def receipts(alerts: Alerts) -> list[tuple[str, bool]]:
    rows = alerts.journal.db.execute("SELECT channel, ok FROM deliveries ORDER BY id")
    return [(channel, bool(ok)) for channel, ok in rows]


def body_of(sent: MailMessage) -> str:
    """The plain text of a mail, whatever it is wrapped in."""
    part = next(p for p in sent.walk() if p.get_content_type() in ("text/plain", "text/html"))
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


async def test_by_mail_with_everything_and_a_receipt(alerts: Alerts, postbox: Postbox) -> None:
    async with delivering(alerts, Settings(channels(mail(postbox)))):
        await put(alerts, message())
        await until(lambda: receipts(alerts))
    (sent,) = postbox.mails
    text = body_of(sent)
    assert "Rens rista" in text
    assert "raised/rista-tettes/11/1" in text  # by which a repeat is known
    assert receipts(alerts) == [("mailto", True)]
    assert alerts.journal.waiting() == []


async def test_down_refusing_slow_and_back_again(alerts: Alerts, postbox: Postbox) -> None:
    await postbox.close()
    async with delivering(alerts, Settings(channels(mail(postbox, patience_s=1)))):
        await put(alerts, message())
        await until(lambda: len(receipts(alerts)) >= 2)
        await postbox.open()
        postbox.mood = "refusing"
        seen = len(receipts(alerts))
        await until(lambda: len(receipts(alerts)) > seen + 1)
        postbox.mood = "slow"
        seen = len(receipts(alerts))
        await until(lambda: len(receipts(alerts)) > seen)
        assert postbox.mails == []
        postbox.mood = "well"
        await until(lambda: receipts(alerts)[-1] == ("mailto", True))
    assert postbox.mails  # once, where the computer is not so slow that a second passes meanwhile
    assert {ok for _, ok in receipts(alerts)[:-1]} == {False}


async def test_the_second_channel_takes_over_at_once(alerts: Alerts, postbox: Postbox) -> None:
    postbox.mood = "refusing"
    endpoint = Endpoint()
    async with endpoint.open(), delivering(alerts, Settings(channels(mail(postbox), hook(endpoint)))):
        await put(alerts, message())
        await until(lambda: endpoint.got)
        await until(lambda: len(receipts(alerts)) == 2)
    assert receipts(alerts) == [("mailto", False), ("json", True)]


async def test_a_slow_channel_holds_up_nobody_else(alerts: Alerts, postbox: Postbox) -> None:
    postbox.mood = "slow"
    endpoint = Endpoint()
    async with (
        endpoint.open(),
        delivering(alerts, Settings(channels(mail(postbox, "bygg"), hook(endpoint)))),
    ):
        await put(alerts, *(message(f"b{i}", recipient="bygg") for i in range(3)), message("v"))
        await until(lambda: endpoint.got)
        assert ("mailto", True) not in receipts(alerts)


async def test_an_http_endpoint_that_fails_and_recovers(alerts: Alerts) -> None:
    endpoint = Endpoint()
    endpoint.status = 503
    async with endpoint.open(), delivering(alerts, Settings(channels(hook(endpoint)))):
        await put(alerts, message())
        await until(lambda: len(receipts(alerts)) >= 2)
        endpoint.status = 200
        await until(lambda: endpoint.got)
    assert len(endpoint.got) == 1


async def test_the_end_is_not_told_before_the_beginning(alerts: Alerts) -> None:
    endpoint = Endpoint()
    endpoint.status = 500
    async with endpoint.open(), delivering(alerts, Settings(channels(hook(endpoint)))):
        await put(alerts, message("begin"), message("end", "cleared"))
        await until(lambda: len(receipts(alerts)) >= 3)
        endpoint.status = 200
        await until(lambda: len(endpoint.got) == 2)
    assert [body["message"].rsplit("\n", 1)[-1] for body in endpoint.got] == ["begin", "end"]


async def test_what_waits_survives_a_restart(alerts: Alerts) -> None:
    endpoint = Endpoint()
    async with endpoint.open():
        pass
    async with delivering(alerts, Settings(channels(hook(endpoint)))):
        await put(alerts, message())
        await until(lambda: receipts(alerts))
    async with endpoint.open(), delivering(alerts, Settings(channels(hook(endpoint)))):
        await until(lambda: endpoint.got)


async def test_without_a_way_it_waits_and_says_so(alerts: Alerts) -> None:
    async with delivering(alerts, Settings(channels())):
        await put(alerts, message())
        await until(lambda: receipts(alerts))
    assert receipts(alerts)[0] == ("none", False)
    assert len(alerts.journal.waiting()) == 1


async def test_signs_of_life(alerts: Alerts) -> None:
    endpoint = Endpoint()
    async with endpoint.open():
        settings = Settings(
            channels(
                hook(endpoint),
                heartbeat={"recipient": "vei", "at": "00:00"},
                watcher_url=f"http://127.0.0.1:{endpoint.port}/ping",
            )
        )
        async with delivering(alerts, settings):
            await until(lambda: endpoint.got and endpoint.pings)
            await asyncio.sleep(0.5)
    assert len(endpoint.got) == 1
    assert "gatewayen er i drift" in endpoint.got[0]["message"]


async def test_who_is_on_duty_is_paged_first(alerts: Alerts) -> None:
    theirs, shared = Endpoint(), Endpoint()
    async with theirs.open(), shared.open():
        duty = [Shift(T0 - 10, T0 + 10, "vei", "A", url=str(hook(theirs)["url"]))]
        async with delivering(alerts, Settings(channels(hook(shared)), duty)):
            await put(alerts, message())
            await until(lambda: theirs.got)
    assert shared.got == []


async def test_a_duty_taken_over_is_confirmed_or_told(alerts: Alerts, postbox: Postbox) -> None:
    shared = Endpoint()
    async with shared.open():
        duty = [Shift(T0 - 1900, T0 + 90_000, "vei", "A", phone=NUMBER)]
        async with delivering(alerts, Settings(channels(hook(shared)), duty)):
            await until(lambda: len(shared.got) == 2)  # there is no modem here: both go where they can
    texts = sorted(body["message"] for body in shared.got)
    assert "du har vakt fra nå" in texts[0]
    assert "er ikke bekreftet" in texts[1]
    # With an answer, nobody is told.
    given = alerts.journal.db.execute("SELECT id FROM outbox WHERE key LIKE 'handover/%'").fetchall()[0][0]
    assert isinstance(given, int)
    code = assign(alerts.journal.db, given, T0)
    answered(alerts.journal.db, read_reply(NUMBER, str(code)), True, T0)
    assert confirmed(alerts.journal.db, f"handover/vei/{T0 - 1900}")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gammu-smsd") is None, reason="gammu-smsd is not installed")
async def test_a_page_and_its_answer_without_any_network(tmp_path: Path) -> None:
    running = Running(tmp_path)
    with AtModem() as modem:
        config = write_config(tmp_path, modem.device)
        settings = Settings(
            channels({"recipient": "vei", "sms": NUMBER, "least": "alarm"}), modem=Gammu(config)
        )
        with smsd(config):
            async with delivering(running.alerts, settings, lambda: running.now_ms):
                await running.clog()
                await until(lambda: modem.sent)
                number, text = text_of(modem.sent[0])
                assert number == NUMBER
                assert text.startswith("DEMO: Taraldsvikelva (demo): Rista tettes, foran rista +")
                code = text.rsplit(" ", 1)[1]
                state = running.alerts.engine.states
                modem.inbox[1] = incoming("+4740404040", code)  # nobody we know
                await until(lambda: not modem.inbox)
                modem.inbox[2] = incoming(NUMBER, code)
                await until(lambda: state["rista-tettes", 11].acknowledged_by)
                assert state["rista-tettes", 11].acknowledged_by == NUMBER
    await running.close()


def test_whose_answers_count() -> None:
    shifts = [Shift(T0, T0 + 10, "vei", "A", phone="+4790000001"), Shift(T0, T0 + 10, "vei", "B")]
    listed = channels({"recipient": "vei", "sms": NUMBER}, answering=["+4790000002"])
    assert Settings(listed, shifts).numbers == {NUMBER, "+4790000001", "+4790000002"}
