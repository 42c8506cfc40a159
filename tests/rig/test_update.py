"""An update is taken and proves itself; one that can not start is given up, and the node is what it was."""

import json
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.gateway import RigGateway
from tools.update import bundle, signing

pytestmark = pytest.mark.servers

KEY = rsa.generate_private_key(public_exponent=65537, key_size=signing.BITS)
LIMIT_S = 7200.0  # a start that fails is tried again after ten minutes, three times
GOOD, BROKEN = 90, 91


async def offer(bench: Bench, gateway: RigGateway, number: int, files: Mapping[str, bytes]) -> None:
    """Put a signed update of this number onto the broker."""
    made = bundle.bundle_of(files)
    expires = bench.clock.utc_ms() // 1000 + 30 * 86_400
    manifest = bundle.manifest_for(made, number, f"0.{number}", (bench.node.board,), 1, expires)
    signed = manifest.message() + signing.sign(manifest.message(), KEY)
    async with gateway.offers() as offers:
        await offers.put(made, manifest.sha256)
        await offers.offer(bench.node.id, signed)


def update(firmware: Mapping[str, bytes], number: int) -> dict[str, bytes]:
    """Return the library under test as the program of an update."""
    files = {name.removeprefix("lib/"): text for name, text in firmware.items() if name.startswith("lib/")}
    version = "node/version.mpy"
    return {**files, version: bundle.program(number, f"0.{number}")[version]}


async def test_update_and_rollback(
    bench: Bench, dut: Strategy, gateway: RigGateway, firmware: Mapping[str, bytes]
) -> None:
    trust = {"board": bench.node.board, "hardware": 1, "keys": [signing.public_of(KEY)]}
    dut.tree = {**dut.tree, "trust.json": json.dumps(trust).encode()}
    await dut.to(State.PROVISIONED)
    await offer(bench, gateway, GOOD, update(firmware, GOOD))
    await dut.to(State.RUNNING)
    await bench.console.until("update confirmed", LIMIT_S, dut.began)
    await dut.to(State.ASLEEP)
    assert gateway.status()["firmware"] == f"0.{GOOD}"
    broken = {**update(firmware, BROKEN), "node/app.mpy": b"no bytecode at all"}
    await offer(bench, gateway, BROKEN, broken)
    await dut.restart()
    await bench.console.until(f"update {BROKEN}: on trial", LIMIT_S, dut.began)
    tried = len(bench.console.text())
    await bench.console.until(r"^record ", LIMIT_S, tried)  # it is at work again
    await dut.to(State.ASLEEP)
    await dut.restart()
    await dut.to(State.ASLEEP)
    assert gateway.status()["firmware"] == f"0.{GOOD}"
    said = printed.records(bench.console.text())
    await gateway.until_stored(len(said), 60)
    assert gateway.records() == said
    assert gateway.refused() == {}
