"""What a relay takes, and what it needs to be there. The whole of it runs in tests/e2e/test_relay.py."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from device_configs.relay_schema import Relay as Home
from gateway.carriers.mqtt import Broker
from gateway.model import Downlink
from gateway.relay import QUEUE_MAX, Relay, brokers
from tests.gateway.test_relayed import FRAME, UPLINK
from tools.installation.authority import make_authority
from wire.frame import CONTROL, pack_header

HOME = Home(site="nord", broker="gw.example:8883", name="sor")


async def nowhere(downlinks: Sequence[Downlink]) -> None:
    raise AssertionError(downlinks)


def test_the_key_material_of_a_home_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "relay"
    folder.mkdir()
    make_authority(tmp_path, "nord")
    (tmp_path / "ca.pem").rename(folder / "nord.pem")
    (folder / "nord.password").write_text("tea\n")
    ((home, broker),) = brokers([HOME], tmp_path)
    assert home == HOME
    assert (broker.host, broker.port, broker.username, broker.password) == (
        "gw.example", 8883, "relay-sor", "tea"
    )  # fmt: skip
    assert broker.tls is not None


@pytest.mark.parametrize("there", ["nothing", "nonsense"])
def test_a_home_without_it_is_left_out_in_words(tmp_path: Path, there: str) -> None:
    if there == "nonsense":
        (tmp_path / "relay").mkdir()
        (tmp_path / "relay" / "nord.pem").write_text("none")
    with capture_logs() as logs:
        assert brokers([HOME], tmp_path) == []
    assert [(entry["event"], entry["home"]) for entry in logs] == [("relay_not_ready", "nord")]


def test_without_a_way_nothing_is_kept_and_of_other_nodes_nothing_is_taken() -> None:
    relay = Relay(HOME.model_copy(update={"nodes": (11,)}), Broker(), nowhere)
    relay.offer(UPLINK)
    assert relay.counts == {"dropped: no way to the home": 1}
    relay.connected = True
    relay.offer(replace(UPLINK, frame=pack_header(CONTROL, 1, 12, 5) + bytes(20)))
    relay.offer(replace(UPLINK, frame=FRAME[:9]))
    for _ in range(QUEUE_MAX + 3):
        relay.offer(UPLINK)
    assert relay.counts == {"dropped: no way to the home": 4}
