from collections.abc import Iterator

import pytest

from tests.security.attacked import Attacked


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    whole = Attacked(tmp_path_factory.mktemp("attacked"))
    try:
        whole.start()
        yield whole
    finally:
        whole.stop()
