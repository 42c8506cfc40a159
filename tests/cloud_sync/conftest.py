"""Real servers, started once for all tests here; each test has a database or a measurement of its own."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cloud_sync.doubles import FaultServer
from tools.servers import InfluxDB, VictoriaMetrics

_names = itertools.count()


@pytest.fixture(scope="session")
def _influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def influxdb(_influxdb: InfluxDB) -> InfluxDB:
    """The shared InfluxDB, up again if a test has taken it down."""
    _influxdb.start()
    return _influxdb


@pytest.fixture(scope="session")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    with VictoriaMetrics(tmp_path_factory.mktemp("victoria-metrics")) as server:
        yield server


@pytest.fixture
def database() -> str:
    """A name no other test uses; it needs quoting in InfluxQL."""
    return f'test {next(_names)} "q"'


@pytest.fixture
async def faults(influxdb: InfluxDB) -> AsyncIterator[FaultServer]:
    """Stands before InfluxDB."""
    server = FaultServer(influxdb.url)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
