"""Pytest on a bench: `--bench NAME`, the fixtures `bench` and `dut`, and what a test needs of a bench.

A suite has to have a fixture `program`: the files (path on the node -> content) that provisioning puts on the
board. A test that needs an instrument says `@pytest.mark.needs("stimulus", "meter")`; on a bench without it
the test is skipped, with words. What the console said goes to `<folder>/<test>/console.log`: the folder is
`--artefacts`, or the test's own.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device_configs.model import Node, Site
from device_configs.problem import ConfigError
from hardware.bench_file import ROLES, BenchFile, bench_path, load_bench
from hardware.protocols import InstrumentError
from hardware.rig import Bench, locked, opened
from hardware.strategy import Known, Strategy

DEFAULT = "virtual"


@dataclass(slots=True)
class Choice:
    """The bench of this run. `known` is what lies on a real board, from one test to the next."""

    path: Path
    file: BenchFile
    site: Site
    node: Node
    known: Known = field(default_factory=Known)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bench")
    group.addoption("--bench", default=DEFAULT, metavar="NAME", help="bench of hardware/benches, or a file")
    group.addoption("--artefacts", type=Path, metavar="DIR", help="where each test's console log goes")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(*instruments): of a bench: {', '.join(ROLES)}")


@pytest.fixture(scope="session")
def bench_choice(request: pytest.FixtureRequest) -> Iterator[Choice]:
    """The bench that was asked for, locked against others where it is a real one."""
    path = bench_path(request.config.getoption("--bench"))
    try:
        file, site, node = load_bench(path)
    except ConfigError as error:
        pytest.exit("\n".join(problem.pretty() for problem in error.problems), returncode=3)
    choice = Choice(path, file, site, node)
    if file.virtual:  # everybody has one of his own
        yield choice
        return
    try:
        with locked(path):
            yield choice
    except InstrumentError as error:
        pytest.exit(str(error), returncode=4)


@pytest.fixture
async def bench(request: pytest.FixtureRequest, bench_choice: Choice, tmp_path: Path) -> AsyncIterator[Bench]:
    """The instruments, opened for this test; skipped where one that the test needs is not there."""
    marker = request.node.get_closest_marker("needs")
    lacking = sorted(set(marker.args if marker else ()) - bench_choice.file.instruments)
    if lacking:
        pytest.skip(f"bench {bench_choice.file.name} has no {' and no '.join(lacking)}")
    choice = bench_choice
    try:
        async with opened(choice.file, choice.site, choice.node, choice.path, tmp_path, choice.known) as made:
            yield made
            _keep(request, tmp_path, made)
    except InstrumentError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
async def dut(bench: Bench, bench_choice: Choice, program: Mapping[str, bytes]) -> AsyncIterator[Strategy]:
    """The board under test, in no state yet; provisioned anew for each test, whose backlog is its own."""
    known = Known(flashed=bench.known.flashed)
    way = Strategy(bench.console, bench.power, bench.flasher, bench.meter, bench.clock, program, known)
    yield way
    if not bench_choice.file.virtual:
        bench_choice.known = Known(flashed=way.known.flashed)


def _keep(request: pytest.FixtureRequest, folder: Path, bench: Bench) -> None:
    top = request.config.getoption("--artefacts")
    if top is not None:
        folder = Path(top) / re.sub(r"[^\w.-]+", "_", request.node.name)
        folder.mkdir(parents=True, exist_ok=True)
    (folder / "console.log").write_text(bench.console.text())
