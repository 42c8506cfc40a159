"""Who lies on the shelf, by the registry of hardware."""

import json
from pathlib import Path

from gateway.shelved import Shelf

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
