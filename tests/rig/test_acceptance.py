"""Acceptance of one node: from a blank chip to a record that the node itself has signed.

What is kept, `acceptance.json`, has the sealed frame as it came: its tag is the node's own, made with the key
that only this node and the gateway have, so nobody can make such a record up afterwards.
"""

import json
from pathlib import Path

import pytest

from device_configs.compile import schemas
from hardware.report import ACCEPTANCE
from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.gateway import KEY, RigGateway
from wire.frame import DATA, FrameError, parse_header
from wire.records import decode
from wire.seal import uplink_cipher

pytestmark = pytest.mark.servers


async def test_a_blank_board_ends_in_a_record_that_it_has_signed(
    bench: Bench, dut: Strategy, gateway: RigGateway, artefacts: Path
) -> None:
    await dut.to(State.FLASHED)
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    await dut.to(State.ASLEEP)
    status = gateway.status()
    assert "faults" not in status or not status["faults"], "a sensor does not answer"
    frame = next(frame for _, frame in gateway.heard if parse_header(frame).type == DATA)
    record = {
        "node": bench.node.id,
        "board": bench.node.board,
        "firmware": status["firmware"],
        "settings": status["config"],
        "heard_utc_ms": gateway.heard[0][0],
        "frame": frame.hex(),
    }
    (artefacts / ACCEPTANCE).write_text(json.dumps(record, indent=1) + "\n")

    kept = json.loads((artefacts / ACCEPTANCE).read_text())
    signed = bytes.fromhex(kept["frame"])
    header = parse_header(signed)
    assert header.node == kept["node"]
    batch = decode(header.flags, uplink_cipher(KEY).open(signed), schemas(bench.site))
    said = printed.records(bench.console.text())
    assert {r.seq: tuple(r.values) for r in batch.records}.items() <= said.items()
    assert all(value is not None for r in batch.records for value in r.values), "a channel gave no value"
    for spoiled in (bytes((signed[0], signed[1] ^ 1, *signed[2:])), signed[:-1] + bytes((signed[-1] ^ 1,))):
        with pytest.raises(FrameError):
            uplink_cipher(KEY).open(spoiled)
