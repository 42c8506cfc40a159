"""Settings over Wi-Fi: handed out, taken, reported; those that leave a node unheard are gone back from."""

import json
from pathlib import Path

import pytest

from device_configs.compile import config_hash, settings_bytes
from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.gateway import RigGateway
from tools.node.handing_out import changes, hand_out, handed_out

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]

LIMIT_S = 14_400.0  # of the bench's clock: a node says what it has once an hour


async def until_reported(bench: Bench, gateway: RigGateway, wanted: str) -> None:
    end_s = bench.clock.monotonic_s() + LIMIT_S
    while gateway.status().get("config") != wanted:
        assert bench.clock.monotonic_s() < end_s, f"{gateway.status()}\n{bench.console.text()[-1500:]}"
        await bench.clock.sleep(10.0)


async def test_settings_are_taken_and_gone_back_from(
    bench: Bench, dut: Strategy, gateway: RigGateway, tmp_path: Path
) -> None:
    state = tmp_path / "gateway"
    first = json.loads(dut.tree["settings.json"])
    dut.tree = {**dut.tree, "settings.json": settings_bytes(first)}
    hand_out(state, first)
    await dut.to(State.ASLEEP)
    await until_reported(bench, gateway, config_hash(first).hex())

    slower = {**first, "interval_s": first["interval_s"] + 30}
    assert [str(change) for change in changes(handed_out(state, bench.node.id), slower)]
    await until_reported(bench, gateway, hand_out(state, slower))

    misspelt = {**slower, "carrier": {**slower["carrier"], "ssid": "misspelt"}}
    heard = len(bench.console.text())
    hand_out(state, misspelt)
    await bench.console.until("settings given up", LIMIT_S, heard)
    given_up = len(bench.console.text())
    await bench.console.until(r"^record ", LIMIT_S, given_up)
    await until_reported(bench, gateway, config_hash(slower).hex())
    # And it does not take them again: what it measures from now on arrives, not only what had waited.
    await gateway.until_stored(len(printed.records(bench.console.text())) + 4, LIMIT_S)
    again = "settings given up" in bench.console.text()[given_up:]  # comparing such texts takes minutes
    assert not again
