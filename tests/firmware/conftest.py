"""Fixtures of the firmware tests: real MicroPython, alone and beside CPython."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.firmware.interpreter import evaluate_on_both, run_on_micropython


@pytest.fixture(scope="session")
def micropython() -> Callable[..., str]:
    """run_on_micropython(script, heap="160k", path=[...], stdin="") -> stdout."""
    return run_on_micropython


@pytest.fixture(scope="session")
def on_both() -> Callable[..., Any]:
    """evaluate_on_both(function, vectors, needs=[...], heap="160k"): the same results on both runtimes."""
    return evaluate_on_both
