"""The pages as a reader's browser gets them."""

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import pytest
from starlette.types import Message, Scope

from device_configs.model import Site
from gateway.model import NodeState, StoredRecord
from gateway.web.concerns import Passed
from gateway.web.hub import CLIENTS_MAX
from gateway.web.live import Live
from gateway.web.pages import Pages
from gateway.web.way import NodeCounts, Sync, Way
from tests.gateway.web.made import NOW_S, SITE, Shelf, broken_intake, building, intake, snow

DAY = [intake(500 + i, 480, NOW_S - (143 - i) * 600, commit=i + 1) for i in range(144)]
ALL = [*DAY, snow(500, commit=200), building(80_000, commit=201), building(2_000, commit=202, node=32)]
TEXTS = {
    "nb": {"name": "Rista tettes", "seen": "66 cm", "action": "Rens rista"},
    "en": {"name": "The grate is clogging", "seen": "66 cm", "action": "Clear the grate"},
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def made(
    records: Iterable[StoredRecord] = (),
    site: Site = SITE,
    *,
    history: Callable[[int, int, int], Iterable[StoredRecord]] | None = None,
    **more: object,
) -> Pages:
    shelf = Shelf(records)
    live = Live(site)
    live.fill(shelf, NOW_S)
    pages = Pages(
        site,
        live,
        clock=lambda: NOW_S + 5.0,
        records=history or shelf.history,
        **more,  # type: ignore[arg-type]
    )
    pages.look()
    return pages


async def get(
    pages: Pages, path: str, *, accept: str = "", encoding: str = "", until: int | None = None
) -> Answer:
    """Ask as a browser does; `until` stops after so many messages of a body that has no end."""
    sent: list[Message] = []
    path, _, query = path.partition("?")
    asked = [{"type": "http.request", "body": b"", "more_body": False}]
    gone = asyncio.Event()

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if until is not None and len(sent) > until:
            gone.set()

    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [
            (b"host", b"localhost"), (b"accept-language", accept.encode()),
            (b"accept-encoding", encoding.encode()),
        ],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await pages.app(scope, receive, send)
    except OSError as error:  # Starlette answers, then hands on to the server what to log
        if not sent:
            raise AssertionError("no answer") from error
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers, body)


class Checked(HTMLParser):
    """Elements are closed, ids are there once, nothing is inline, nothing comes from elsewhere."""

    VOID = frozenset({"meta", "link", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.wrong: list[str] = []
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "style" or name.startswith("on"):
                self.wrong.append(f"{tag} {name}")
            if name in ("href", "src") and value:
                self.hrefs.append(value)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def checked(text: str) -> Checked:
    found = Checked()
    found.feed(text)
    assert found.wrong == []
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert [href for href in found.hrefs if not href.startswith(("/", "#", "geo:"))] == []
    return found


@pytest.mark.parametrize(
    "path",
    ["/", "/?lang=en&theme=dark", "/?view=wall", "/node/11", "/node/31?range=7d", "/node/12", "/nowhere"],
)
async def test_every_page_is_well_formed_and_needs_nobody_else(path: str) -> None:
    answer = await get(made(ALL), path)
    found = checked(answer.text)
    assert answer.headers["vary"].startswith("Accept-Language")
    ids = set(found.ids)
    for href in found.hrefs:
        if href.startswith("#"):
            assert href[1:] in ids


async def test_the_live_page_is_complete_without_script() -> None:
    text = (await get(made(ALL), "/")).text
    assert text.count("<article") == 6
    assert "Taraldsvikelva" in text
    assert ">64<" in text  # cm before the grate
    assert "for 5\u00a0s siden" in text
    assert "80,0" in text
    assert "60,0" in text  # 2 kW on the port, 60 kW in the building
    assert "<strong>Demo</strong>" in text


@pytest.mark.parametrize(
    ("path", "accept", "language"),
    [
        ("/", "", "nb"),
        ("/", "en", "en"),
        ("/?lang=nb", "en", "nb"),
        ("/?lang=en", "nb", "en"),
        ("/?lang=xx", "", "nb"),
    ],
)
async def test_the_language_asked_for(path: str, accept: str, language: str) -> None:
    answer = await get(made(ALL), path, accept=accept)
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}"' in answer.text


async def test_a_site_of_one_language_offers_no_other() -> None:
    answer = await get(made(ALL, replace(SITE, languages=("en",))), "/?lang=nb", accept="nb")
    assert answer.headers["content-language"] == "en"
    assert "Norsk" not in answer.text


async def test_choices_are_kept_from_page_to_page() -> None:
    text = (await get(made(ALL), "/?lang=en&theme=dark")).text
    assert "/node/11?lang=en&amp;theme=dark" in text
    assert "/?lang=nb&amp;theme=dark" in text
    tricky = (await get(made(ALL), "/?theme=%22%3E%3Cscript%3E&lang=en")).text
    assert "<script>" not in tricky


async def test_all_is_normal_or_what_is_wrong_comes_first() -> None:
    # Everybody has been heard.
    everybody = [*ALL, *(replace(DAY[-1], node=12, commit=300),), replace(snow(400), node=22, commit=301)]
    assert "Alt er normalt" in (await get(made(everybody, judge=lambda *_: ()), "/")).text
    alert = Passed(11, "alarm", NOW_S - 60, 40, TEXTS, "Vakt veg")
    text = (await get(made(everybody, judge=lambda *_: [alert]), "/?lang=en")).text
    assert "One place needs attention" in text
    assert "The grate is clogging" in text
    assert "Clear the grate" in text
    assert "Vakt veg has it" in text
    assert text.index("node-11") < text.index("node-12")
    assert 'class="card intake is-alarm"' in text


async def test_failing_and_silent_places_are_told() -> None:
    text = (await get(made([broken_intake(), snow(500, NOW_S - 90_000)]), "/")).text
    assert "Sensoren svarer ikke" in text
    assert "Ingen data" in text
    assert "Har ikke meldt seg ennå" in text


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        (Sync("off"), "Synk er slått av"),
        (Sync("silent"), "Synk svarer ikke"),
        (Sync("ok", 90, 3, 0, 0), "3 på vei"),
        (Sync("ok", 93, 0, 0, 0), "alt er kommet fram"),
        (Sync("retrying", 90, 3, 0, 0), "prøver igjen"),
        (Sync("hold", 90, 3, 2, 0), "tar ikke imot"),
        (Sync("ok", 90, 0, 0, 4), "Gitt opp"),
    ],
)
async def test_the_way_says_how_sync_is(sync: Sync, said: str) -> None:
    pages = made(ALL)
    pages.way = Way(1200, 1190, 2, 5, sync)
    text = (await get(pages, "/")).text
    assert said in text
    assert "1\u00a0190" in text
    assert "8 venter på noden" in text


async def test_the_way_says_how_long_sync_may_be_away() -> None:
    pages = made(ALL)
    pages.way = Way(1200, 1190, 2, 5, Sync("retrying", 90, 3, oldest_s=7200), 31 * 3600)
    text = (await get(pages, "/?lang=en")).text
    assert "Oldest that waits</dt><dd>2\u00a0h" in text
    assert "Can do without InfluxDB</dt><dd>31\u00a0h" in text


async def test_an_empty_site_explains_the_first_three_steps() -> None:
    text = (await get(made(site=replace(SITE, nodes=(), buildings=())), "/")).text
    checked(text)
    assert "Slik kommer du i gang" in text
    assert text.count("<li><strong>") == 3
    assert "Ingen noder ennå" in text


async def test_a_site_that_is_no_demo_does_not_say_so() -> None:
    assert "demonstrasjon" not in (await get(made(ALL, replace(SITE, demo=False)), "/")).text


async def test_a_nodes_page_has_values_charts_limits_and_its_records() -> None:
    state = NodeState(11, b"", status=json.dumps({"firmware": "1.2.3"}))
    pages = made(ALL, states=lambda: [state])
    pages.counts = {11: NodeCounts(150, 144, 2)}
    text = (await get(pages, "/node/11?lang=en")).text
    assert "1.2.3" in text
    assert "150 made, 144 stored, 2 lost" in text
    assert text.count('<figure class="chart"') == 3
    assert "/node/11.csv?lang=en&amp;range=24h" in text
    assert "Not confirmed for this place" in text
    assert len(re.findall(r'<tr><th scope="row">\d\d:', text)) == 60


async def test_a_nodes_page_says_what_to_do() -> None:
    alert = Passed(11, "alarm", NOW_S - 60, 40, TEXTS)
    text = (await get(made(ALL, judge=lambda *_: [alert]), "/node/11")).text
    checked(text)
    assert "Rens rista" in text
    assert "innen 40" in text


async def test_a_node_that_has_said_nothing_has_a_page_too() -> None:
    text = (await get(made(), "/node/22")).text
    assert "Ingen målinger i dette tidsrommet" in text


async def test_csv() -> None:
    answer = await get(made(ALL), "/node/11.csv?range=24h")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="narvik-demo-11-24h.csv"' in answer.headers["content-disposition"]
    assert len(answer.text.splitlines()) == 1 + 144
    assert ";" in answer.text.splitlines()[0]


@pytest.mark.parametrize(
    "path", ["/node/99", "/node/99.csv", "/node/x", "/static/nothing.css", "/static/../pages.py"]
)
async def test_what_is_not_there(path: str) -> None:
    answer = await get(made(ALL), path)
    assert answer.status == 404
    assert "Siden finnes ikke" in answer.text


async def test_a_page_that_fails_says_so_in_words() -> None:
    def fail(*_: object) -> Iterable[StoredRecord]:
        raise OSError("the card is gone")

    pages = made(ALL, history=fail)
    answer = await get(pages, "/node/11")
    assert answer.status == 500
    assert "Her gikk noe galt" in answer.text
    assert "card is gone" not in answer.text


async def test_health() -> None:
    pages = made(ALL)
    answer = await get(pages, "/healthz")
    assert (answer.status, json.loads(answer.text)["ok"]) == (200, True)
    pages.trouble = "the store cannot be read"
    answer = await get(pages, "/healthz")
    assert (answer.status, json.loads(answer.text)["trouble"]) == (503, "the store cannot be read")


async def test_files_may_be_kept_since_their_address_changes_with_them() -> None:
    pages = made()
    (address,) = set(re.findall(r"/static/page\.css\?v=\w+", (await get(pages, "/")).text))
    answer = await get(pages, address)
    assert "immutable" in answer.headers["cache-control"]


async def test_a_page_that_comes_back_is_told_everything() -> None:
    pages = made(ALL)
    answer = await get(pages, "/events?lang=en", until=1)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"^event: (\w+)$", answer.text, re.MULTILINE)
    assert events == ["tick", "state", "way", *["card"] * 6]
    for data in re.findall(r"^data: (.*)$", answer.text, re.MULTILINE):
        if "html" in (told := json.loads(data)):
            checked(told["html"])
    assert len(pages.hub) == 0  # it has gone, and is forgotten


async def test_no_more_open_pages_than_the_gateway_serves() -> None:
    pages = made()
    for _ in range(CLIENTS_MAX):
        pages.hub.join("nb")
    answer = await get(pages, "/events")
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")


async def test_looking_tells_which_places_have_changed() -> None:
    alerts: list[Passed] = []
    pages = made(ALL, judge=lambda *_: alerts)
    assert pages.look() == set()
    alerts.append(Passed(11, "alarm", NOW_S, 40, TEXTS))
    assert pages.look() == {11}
    assert pages.look() == set()
    alerts.clear()
    assert pages.look() == {11}


async def test_a_card_that_has_not_changed_is_not_written_again_but_its_age_is() -> None:
    clock = [NOW_S + 5.0]
    pages = made(ALL)
    pages._clock = lambda: clock[0]
    first = pages.card(11, "nb")
    clock[0] += 60
    assert pages.card(11, "nb") is first
    assert "for 1\u00a0min siden" in (await get(pages, "/")).text
    pages.live.follow(Shelf([intake(777, 480, NOW_S + 60, commit=900)]), NOW_S + 60)
    assert ">78<" in (await get(pages, "/")).text
    clock[0] += 7200
    assert "Gammel måling" in (await get(pages, "/")).text


async def test_pages_are_packed_for_whoever_can_unpack_them() -> None:
    plain, packed = await get(made(ALL), "/"), await get(made(ALL), "/", encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body).decode() == plain.text
