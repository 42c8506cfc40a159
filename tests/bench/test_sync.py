"""The sync bench on a small scale: both arms bring every record over."""

from pathlib import Path

import pytest

from tests.bench import sync as bench
from tests.bench.sync import measure

pytestmark = pytest.mark.servers


async def test_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PAIRS", 1)
    monkeypatch.setattr(bench, "HOURS", 2)
    monkeypatch.setattr(bench, "COUNTS", {"intake": 2, "energy": 1})
    found = await measure(tmp_path)
    assert [figure.name for figure in found] == [
        "ratio_to_bare_loader",
        "times_live_rate",
        "wire_bytes_per_point",
    ]
    assert all(figure.value > 0 for figure in found)
