"""Copies of the demonstration site with something wrong in them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from device_configs.model import Site
from device_configs.problem import ConfigError, Problem

Breaking = Callable[[str, str, str], list[Problem]]


@pytest.fixture(scope="session")
def demo() -> Site:
    return load_site(SITES / "narvik-demo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demonstration site."""
    return Path(shutil.copytree(SITES / "narvik-demo", tmp_path / "narvik-demo"))


@pytest.fixture
def breaking(folder: Path) -> Breaking:
    """Replace the first `old` in a file by `new`; the function returns what load_site then complains of."""

    def replace(file: str, old: str, new: str) -> list[Problem]:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
        try:
            load_site(folder)
        except ConfigError as error:
            return list(error.problems)
        return []

    return replace
