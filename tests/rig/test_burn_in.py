"""Burn-in: a node at work for `--burn-in-hours` on end; `sensornett rig run --burn-in` takes a day."""

import json
from pathlib import Path

import pytest

from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.conftest import INTERVAL_S
from tests.rig.gateway import RigGateway
from wire import control

pytestmark = [pytest.mark.servers, pytest.mark.timeout(6 * 3600)]

PATIENCE = 20  # wakes until what is in the node's flash is in the store
SHARE = 0.5  # of the wakes of an hour: to start takes a slow computer time, which a virtual clock counts too
LEVELS_MM = (0.0, 300.0, 900.0, 150.0)  # another one each hour, or a stuck reading would look sound
# Causes that count; that an answer stayed away now and then is no fault of the node.
FAULTS = {str(c) for c in (control.CRASHED, control.WATCHDOG, control.REFUSED, control.FLASH, control.SENSOR)}


async def hour(bench: Bench, number: int, seconds: float) -> dict[str, float]:
    """Live through one hour, or less; return its figures."""
    if bench.stimulus and "up" in bench.stimulus.channels:
        await bench.stimulus.set("up", LEVELS_MM[number % len(LEVELS_MM)])
    before = len(printed.records(bench.console.text()))
    figures = {}
    if bench.meter:
        charge = await bench.meter.measure(seconds)
        figures["mean_ua"] = round(charge.mean_ua, 1)
    else:
        await bench.clock.sleep(seconds)
    figures["records"] = len(printed.records(bench.console.text())) - before
    return figures


async def test_burn_in(
    bench: Bench, dut: Strategy, gateway: RigGateway, artefacts: Path, burn_in_hours: float
) -> None:
    """Every record arrives once and as it was, nothing restarts, nothing is refused; each hour is told."""
    await dut.to(State.ASLEEP)
    told: list[dict[str, float]] = []
    left_s = burn_in_hours * 3600
    while left_s > 0:
        seconds = min(left_s, 3600.0)
        left_s -= seconds
        told.append(await hour(bench, len(told), seconds))
        (artefacts / "hours.json").write_text(json.dumps(told, indent=1) + "\n")
        wakes = seconds / INTERVAL_S
        assert told[-1]["records"] >= wakes * SHARE, f"hour {len(told)}: {told[-1]}"
        assert printed.boots(bench.console.text()) == [1], f"it started anew in hour {len(told)}"
    said = printed.records(bench.console.text())
    for _ in range(PATIENCE):
        if said.items() <= gateway.records().items():
            break
        await bench.clock.sleep(INTERVAL_S)
    assert said.items() <= gateway.records().items()
    assert len(gateway.stored()) == len(gateway.records()), "a record is stored twice"
    assert gateway.refused() == {}
    counted = gateway.status()["counters"] or {}
    assert not FAULTS & counted.keys(), counted
