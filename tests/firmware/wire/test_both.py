"""The codec's checks on CPython, and the same on MicroPython: both must come to the same bytes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.firmware.wire import both

VECTORS = Path(__file__).parents[2] / "vectors" / "frames.json"

_SCRIPT = f"""
import both
both.main({str(VECTORS)!r})
"""


@pytest.mark.parametrize("check", both.CHECKS, ids=lambda check: str(check.__name__))
def test_check(check: Callable[[], Iterator[bytes]]) -> None:
    assert sum(1 for _ in check()) > 0


def test_golden_frames() -> None:
    assert sum(1 for _ in both.check_vectors(VECTORS)) >= 8


def test_micropython_comes_to_the_same_bytes(
    micropython: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    there: Any = micropython(_SCRIPT, path=[Path(both.__file__).parent])
    both.main(VECTORS)
    here = capsys.readouterr().out
    assert len(here.splitlines()) == len(both.CHECKS) + 1
    assert there.splitlines() == here.splitlines()
