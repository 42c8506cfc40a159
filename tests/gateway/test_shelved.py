"""Who lies on the shelf, by the registry of hardware and by what nodes said themselves."""

import json
from pathlib import Path

import pytest

from gateway.app import Gateway, Settings
from gateway.carriers.mqtt import Broker
from gateway.model import NodeState, Refusal
from gateway.shelved import Shelf, lies, said_by
from gateway.store import STORE_NAME, Store
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import GATEWAY_ID, NOON_MS, SCHEMAS, TalkingNode, key_of, record
from tests.gateway.web.made import SITE

SINCE = "2026-11-24T10:00:00Z"
SINCE_S = 1_795_514_400


def registry(folder: Path, **stages: str) -> None:
    board = {"mac": "aa", "chip": "esp32", "board": "heltec-v3", "since": SINCE, "until": None}
    old = {**board, "since": "2025-01-01T00:00:00Z", "until": SINCE}
    nodes = {name[1:]: {"hardware": [old, board], "stage": stage} for name, stage in stages.items()}
    fresh = folder / "nodes.json.new"
    fresh.write_text(json.dumps({"nodes": nodes}))
    fresh.replace(folder / "nodes.json")


def test_from_the_bench_to_the_mast_a_node_is_on_the_shelf(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.since_s() == {}
    registry(tmp_path, n1="started", n2="shelved", n3="commissioned", n4="forgotten")
    assert shelf.since_s() == {1: SINCE_S, 2: SINCE_S}
    registry(tmp_path, n2="commissioned")
    assert shelf.since_s() == {}


def test_a_registry_that_can_not_be_read_shelves_nobody(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for text in (
        "",
        "[]",
        '{"nodes": {"1": {}}}',
        '{"nodes": {"x": {"stage": "shelved", "hardware": [{}]}}}',
    ):
        registry(tmp_path, n1="shelved")
        assert shelf.since_s() == {1: SINCE_S}
        (tmp_path / "nodes.json").unlink()
        (tmp_path / "nodes.json").write_text(text)
        assert shelf.since_s() == {}


def test_what_a_node_said_itself_counts_from_the_full_second_after_it(tmp_path: Path) -> None:
    said = {2: SINCE_S * 1000 + 1, 5: 7_000}
    shelf = Shelf(tmp_path, lambda: said)
    assert shelf.since_s() == {2: SINCE_S + 1, 5: 8}
    registry(tmp_path, n2="commissioned", n5="shelved")
    assert shelf.since_s() == {2: SINCE_S + 1, 5: SINCE_S}
    said.clear()
    assert shelf.since_s() == {5: SINCE_S}


def test_of_what_the_store_keeps_only_the_last_status_counts() -> None:
    def state(node: int, status: str, at_ms: int | None = 7_000) -> NodeState:
        return NodeState(node, b"", status=status, status_at_ms=at_ms)

    states = [
        state(1, '{"shelf": 1}'),
        state(2, '{"epoch": 7}'),
        state(3, '{"shelf": 2}'),
        state(4, "{}", None),
        state(5, '{"shelf": 1}', None),
    ]
    assert said_by(states) == {1: 7_000}


@pytest.mark.parametrize("ms", [0, 1, 999])
def test_it_lies_there_until_it_has_measured_after_its_last_word(tmp_path: Path, ms: int) -> None:
    since_s = Shelf(tmp_path, lambda: {1: SINCE_S * 1000 + ms}).since_s()[1]
    assert lies(since_s, None)
    assert lies(since_s, SINCE_S)  # measured before it went, within that second
    assert not lies(since_s, SINCE_S + 1)
    assert not lies(None, None)


async def test_while_the_state_is_in_memory_the_registry_on_the_card_counts(tmp_path: Path) -> None:
    card, memory = tmp_path / "card", tmp_path / "memory"
    card.mkdir()
    memory.mkdir()
    registry(card, n11="shelved")
    store = Store.open(memory / STORE_NAME)
    try:
        settings = Settings(
            "here", GATEWAY_ID, {11: key_of(11)}, SCHEMAS, memory, Broker(), rules=SITE, home=card
        )
        gateway = Gateway(settings, store, carriers=[])
        assert gateway.alerts is not None
        assert gateway.alerts._shelved() == {11: SINCE_S}
        await gateway.alerts.close()
    finally:
        await store.close()


async def test_a_node_that_goes_to_the_shelf_is_there_until_its_next_status(
    bench: Bench, node: TalkingNode
) -> None:
    assert bench.ingest.shelved_ms() == {}
    await bench.take(node.status(shelf=1))
    assert bench.ingest.shelved_ms() == {11: NOON_MS}
    await bench.take(node.data(record(0)))  # what it had measured before
    await bench.restart()
    assert bench.ingest.shelved_ms() == {11: NOON_MS}
    bench.now_ms += 86_400_000
    await bench.take(node.status())
    assert bench.ingest.shelved_ms() == {}


async def test_a_status_that_was_held_back_shelves_nobody(bench: Bench, node: TalkingNode) -> None:
    captured, forged = node.status(shelf=1), TalkingNode(key=b"\x01" * 16).status(shelf=1)
    await bench.take(node.data(record(0)))
    await bench.take(captured, forged)
    assert bench.ingest.shelved_ms() == {}
    assert bench.refused()[Refusal.BAD_TAG] == 1
    await bench.take(genuine := node.status(shelf=1))
    await bench.take(node.status())  # fetched back
    await bench.take(genuine)  # and replayed
    assert bench.ingest.shelved_ms() == {}
    assert bench.refused()[Refusal.REPLAY] == 1
