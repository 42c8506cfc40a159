"""What all tests of ingest begin with: an ingest over a store, and a node it knows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import TalkingNode


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "store.db")
    yield made
    await made.store.close()


@pytest.fixture
async def node(bench: Bench) -> TalkingNode:
    introduced = TalkingNode()
    await bench.introduce(introduced)
    return introduced
