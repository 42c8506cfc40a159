"""Settings for every test: hypothesis runs the same examples in CI each time, whatever surrounds the run."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

pytest_plugins = ["hardware.plugin"]

# What people's shells and CI say of terminals and proxies is not what is tested.
for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PY_COLORS", "TTY_COMPATIBLE", "GITHUB_ACTIONS"):
    os.environ.pop(name, None)
for name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)
os.environ["COLUMNS"] = "80"
# Below the folder for temporary files lie sockets, whose paths may have 107 bytes.
if len(tempfile.gettempdir()) > len("/var/tmp"):
    os.environ["TMPDIR"], tempfile.tempdir = "/tmp", None


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One without the test's name, which would be too long for sockets as well."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """What a command says of logs in this process ends with its test: others look for lines in them."""
    yield
    structlog.reset_defaults()
