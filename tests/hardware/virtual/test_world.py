"""World time, bends, and the log of samplings."""

import json
from pathlib import Path

import pytest

from hardware.virtual.clock import ManualClock
from hardware.virtual.recordings import Series
from hardware.virtual.world import Sampling, World

RAMP = {"level_mm": Series((1000.0, 2000.0), (0.0, 1000.0))}


def test_the_world_plays_faster_than_real() -> None:
    clock = ManualClock()
    world = World(RAMP, clock, start_s=1100, speed=60)
    assert (world.time_s(), world.value("level_mm")) == (1100, 100)
    clock.advance(5)
    assert (world.time_s(), world.value("level_mm")) == (1400, 400)
    moment_ms = clock.utc_ms() - 2500
    assert world.value("level_mm", moment_ms) == 250


def test_it_starts_at_the_beginning_and_stays_at_the_end() -> None:
    clock = ManualClock()
    world = World(RAMP, clock, speed=1000)
    assert world.time_s() == 1000
    clock.advance(60)
    assert world.value("level_mm") == 1000


def test_a_bend_changes_what_a_series_says() -> None:
    world = World(RAMP, ManualClock(), start_s=1500)
    level = world.quantity("level_mm")
    world.bend("level_mm", lambda time_s, recorded: recorded + time_s / 10)
    assert level() == 650
    world.bend("level_mm", None)
    assert level() == 500


def test_an_unknown_series_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="no snow_mm: it has level_mm"):
        World(RAMP, ManualClock()).quantity("snow_mm")


def test_each_sampling_is_logged_in_memory_and_file(tmp_path: Path) -> None:
    world = World(RAMP, ManualClock(), log_file=tmp_path / "world.jsonl")
    world.witness(11, "ads")("AIN0", 16000, 1234)
    world.witness(12, "battery")("pin_uv", 1_800_000, 1300)
    world.close()
    assert world.samplings_of(11) == [Sampling(1234, 11, "ads", "AIN0", 16000)]
    assert world.samplings_of(12, "ads") == []
    rows = [json.loads(line) for line in (tmp_path / "world.jsonl").read_text().splitlines()]
    assert rows[0] == {"utc_ms": 1234, "node": 11, "chip": "ads", "channel": "AIN0", "raw": 16000}
    assert len(rows) == 2
