"""The rig by radio: the board under test reports over LoRa, and the gateway hears it by the bench's radio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.carriers import Carrier
from hardware.protocols import HeardFrame, Radio
from hardware.rig import Bench
from tests.rig.gateway import RigGateway
from wire.frame import FrameError, parse_header


class RadioGateway(RigGateway):
    """The project's own gateway, without a broker."""

    def _new_carrier(self) -> Carrier:
        return radio_of(self._bench).carrier()


def radio_of(bench: Bench) -> Radio:
    assert bench.radio is not None  # or the test would have been skipped
    return bench.radio


@asynccontextmanager
async def gateway_by_radio(bench: Bench, folder: Path, lora: Lora) -> AsyncIterator[RadioGateway]:
    """Make the bench's node one that has only LoRa, and run a gateway that hears it."""
    bench.node = replace(bench.node, carrier="lora")
    others = [node for node in bench.site.nodes if node.id != bench.node.id]
    bench.site = replace(bench.site, lora=lora, nodes=(bench.node, *others))
    await radio_of(bench).listen(lora)
    gateway = RadioGateway(bench, folder)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()


def heard(bench: Bench) -> list[HeardFrame]:
    """Return what was heard of the board; others may be on the air too."""
    found = []
    for frame in radio_of(bench).heard():
        try:
            header = parse_header(frame.payload)
        except FrameError:
            continue
        if header.node == bench.node.id:
            found.append(frame)
    return found


async def until_stored(bench: Bench, gateway: RigGateway, count: int, wakes: int, interval_s: float) -> None:
    """Wait until the store has `count` records, for so many wakes at most."""
    for _ in range(wakes):
        if len(gateway.stored()) >= count:
            return
        await bench.clock.sleep(interval_s)
    said = f"{len(gateway.stored())} of {count} records came in {wakes} wakes"
    raise AssertionError(f"{said}\n{bench.console.text()[-1500:]}")
