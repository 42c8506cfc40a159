"""The bench of the bridge measures what it says."""

import asyncio
from pathlib import Path

from tests.bench.radio import NODES, frames
from tests.bench.radio_bridge import heard, through_gateway, through_reader
from wire import bridge as cable


def test_the_same_packets_reach_the_store_and_the_bare_reader(tmp_path: Path) -> None:
    introductions, reports = frames(1_795_000_000)
    reports = reports[:300]  # more than there are numbers on the cable
    assert asyncio.run(through_gateway(introductions, reports, tmp_path / "store.db", NODES)) > 0
    assert through_reader(reports) > 0


def test_lines_are_those_of_a_bridge() -> None:
    ((kind, number, body),) = cable.Lines().feed(heard(9, b"frame"))
    assert (kind, number) == (cable.HEARD, 9)
    assert cable.split(cable.HEARD_BODY, body)[1] == b"frame"
