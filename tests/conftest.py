"""Settings for every test: hypothesis runs the same examples in CI each time."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

pytest_plugins = ["hardware.plugin"]


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short one, without the test's name: below it lie sockets, whose paths may have 107 bytes."""
    return tmp_path_factory.mktemp("t")
