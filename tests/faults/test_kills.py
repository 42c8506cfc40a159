"""A seeded part of what `./run soak store` does for longer."""

from pathlib import Path

import pytest

from tests.faults.kills import kill_often

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


async def test_nothing_acknowledged_is_lost_when_processes_are_killed(tmp_path: Path) -> None:
    assert await kill_often(tmp_path, seed=5, kills=6) > 200
