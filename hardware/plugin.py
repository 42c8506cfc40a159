"""Pytest on a bench: `--bench NAME`, the fixtures `bench` and `dut`, and what a test needs of a bench.

A suite has to have a fixture `program`: the files (path on the node -> content) that provisioning puts on the
board. A test that needs an instrument says `@pytest.mark.needs("stimulus", "meter")`; on a bench without it
the test is skipped, with words. What the console said, the current that was measured and the frames that were
heard go to the test's folder, the fixture `artefacts`: below `--artefacts`, where a report of all is made as
well, or its own.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device_configs.model import Node, Site
from device_configs.problem import ConfigError
from hardware.bench_file import ROLES, BenchFile, bench_path, load_bench
from hardware.protocols import Charge, InstrumentError, Meter
from hardware.report import AIR, CONSOLE_LOG, CURRENT, Result, air, keep, outcome_of
from hardware.rig import Bench, locked, opened
from hardware.strategy import Known, Strategy
from hardware.virtual.clock import Clock

DEFAULT = "virtual"
BURN_IN_H = 0.25
CONFIGURATION, NO_DEVICE = 3, 4  # exit status, as the command's
_GONE = pytest.StashKey[bool]()


@dataclass(slots=True)
class Choice:
    """The bench of this run. `known` is what lies on a real board, from one test to the next.

    `opened`: all its instruments have been there once.
    """

    path: Path
    file: BenchFile
    site: Site
    node: Node
    known: Known = field(default_factory=Known)
    opened: bool = False


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bench")
    group.addoption("--bench", default=DEFAULT, metavar="NAME", help="bench of hardware/benches, or a file")
    group.addoption(
        "--burn-in-hours",
        type=float,
        default=BURN_IN_H,
        metavar="H",
        help=f"how long the burn-in takes; default: {BURN_IN_H}, which shows that it works",
    )
    group.addoption("--artefacts", type=Path, metavar="DIR", help="where logs and the report go")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(*instruments): of a bench: {', '.join(ROLES)}")
    if config.getoption("--artefacts") is not None:
        config.pluginmanager.register(_Reporter(config), "bench-report")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let tests take their time where it is real: a bench's steps have limits of their own."""
    benched = [item for item in items if "bench" in getattr(item, "fixturenames", ())]
    with suppress(ConfigError):  # it is told when the first test asks for the bench
        if benched and not load_bench(bench_path(config.getoption("--bench")))[0].virtual:
            for item in benched:
                item.add_marker(pytest.mark.timeout(0), append=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A bench that never opened is no failure of what was to be tested on it."""
    if session.config.stash.get(_GONE, False):
        session.exitstatus = NO_DEVICE


class _Reporter:
    """Gathers what each test came to; at the end it writes the report."""

    def __init__(self, config: pytest.Config) -> None:
        self._folder = Path(config.getoption("--artefacts"))
        self._path = bench_path(config.getoption("--bench"))
        self._bench = self._path.stem
        self._results: dict[str, Result] = {}
        self._began = datetime.now(UTC)

    def pytest_runtest_logreport(self, report: Any) -> None:
        before = self._results.get(report.nodeid)
        seconds = report.duration + (before.seconds if before else 0.0)
        if before and report.outcome == "passed":  # its end passed: what came before counts
            self._results[report.nodeid] = Result(
                before.name, before.outcome, seconds, before.said, before.folder
            )
            return
        folder = _name(report.nodeid.rpartition("::")[2])
        self._results[report.nodeid] = Result(
            report.nodeid,
            outcome_of({"outcome": report.outcome, "wasxfail": hasattr(report, "wasxfail")}),
            seconds,
            _said(report),
            folder if (self._folder / folder).is_dir() else "",
        )

    def pytest_sessionfinish(self) -> None:
        keep(self._folder, self._bench, list(self._results.values()), self._about())

    def _about(self) -> list[str]:
        """What was run on what, and when."""
        lines = [f"{self._began:%Y-%m-%d %H:%M} UTC, for {datetime.now(UTC) - self._began}".partition(".")[0]]
        with suppress(ConfigError):
            file, site, node = load_bench(self._path)
            title = site.catalog.boards[node.board].title
            lines.append(f"Node {node.id} of site {site.id}: {node.profile.title}, on {title}")
            there = [role for role in ROLES if role in file.instruments]
            kind = "a virtual bench" if file.virtual else "a bench of real instruments"
            lines.append(f"On {kind}: {', '.join(there)}")
        return lines


def _said(report: Any) -> str:
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return str(report.longrepr[2])
    return report.longreprtext if report.outcome == "failed" else ""


def _name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)


class TracedMeter:
    """A meter that remembers what was measured, for the report."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self._meter, self._clock = meter, clock
        self._zero_s = clock.monotonic_s()
        self.pieces: list[tuple[float, float, float, float]] = []

    async def measure(self, seconds: float) -> Charge:
        begin_s = self._clock.monotonic_s() - self._zero_s
        charge = await self._meter.measure(seconds)
        self.pieces.append((begin_s, charge.seconds, charge.mean_ua, charge.peak_ua))
        return charge


@pytest.fixture(scope="session")
def bench_choice(request: pytest.FixtureRequest) -> Iterator[Choice]:
    """The bench that was asked for, locked against others where it is a real one."""
    path = bench_path(request.config.getoption("--bench"))
    try:
        file, site, node = load_bench(path)
    except ConfigError as error:
        pytest.exit("\n".join(problem.pretty() for problem in error.problems), CONFIGURATION)
    choice = Choice(path, file, site, node)
    if file.virtual:  # everybody has one of his own
        yield choice
        return
    try:
        with locked(path):
            yield choice
    except InstrumentError as error:
        pytest.exit(str(error), NO_DEVICE)


@pytest.fixture
def artefacts(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder for what this test leaves behind."""
    top = request.config.getoption("--artefacts")
    folder = tmp_path if top is None else Path(top) / _name(request.node.name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def bench(
    request: pytest.FixtureRequest, bench_choice: Choice, tmp_path: Path, artefacts: Path
) -> AsyncIterator[Bench]:
    """The instruments, opened for this test; skipped where one that the test needs is not there."""
    marker = request.node.get_closest_marker("needs")
    lacking = sorted(set(marker.args if marker else ()) - bench_choice.file.instruments)
    if lacking:
        pytest.skip(f"bench {bench_choice.file.name} has no {' and no '.join(lacking)}")
    choice = bench_choice
    try:
        async with opened(choice.file, choice.site, choice.node, choice.path, tmp_path, choice.known) as made:
            choice.opened = True
            if made.meter is not None:
                made.meter = TracedMeter(made.meter, made.clock)
            yield made
            (artefacts / CONSOLE_LOG).write_text(made.console.text())
            if isinstance(made.meter, TracedMeter):
                (artefacts / CURRENT).write_text(json.dumps(made.meter.pieces))
            if made.radio is not None and made.radio.heard():
                (artefacts / AIR).write_text(json.dumps(air(made.radio.heard(), made.radio.losses)))
        return
    except InstrumentError as error:
        said = str(error)
    if not choice.opened:  # nor will it be for the other tests
        request.config.stash[_GONE] = True
        request.session.shouldfail = "an instrument is missing"
        said += f"\nsensornett rig check {choice.path} looks at each instrument."
    pytest.fail(said, pytrace=False)


@pytest.fixture
async def dut(bench: Bench, bench_choice: Choice, program: Mapping[str, bytes]) -> AsyncIterator[Strategy]:
    """The board under test, in no state yet; provisioned anew for each test, whose backlog is its own."""
    known = Known(flashed=bench.known.flashed)
    way = Strategy(bench.console, bench.power, bench.flasher, bench.meter, bench.clock, program, known)
    yield way
    if not bench_choice.file.virtual:
        bench_choice.known = Known(flashed=way.known.flashed)
