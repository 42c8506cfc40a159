"""A rain gauge from the bucket's contact to the database. The rain is generated, tip by tip."""

import asyncio
import json
from pathlib import Path

import pytest

from hardware.virtual.chips.tipping_bucket import TippingBucket
from tests.e2e.living_town import proved
from tools import cli
from tools.servers import free_port
from tools.town import Resident, Town
from wire.quantities import ESTIMATED, OK

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

RAIN = 4  # the template's rain gauge
PATIENCE_S = 60.0
BUCKET_UM = 200


class Sky:
    """Lets the bucket of one node tip."""

    def __init__(self, town: Town) -> None:
        self._resident: Resident = town.residents[RAIN]
        self._nvs = town.folder / "boards" / str(RAIN) / "nvs.json"
        self._fell = 0
        self._resident.around.world.bend("pulses", lambda time_s, recorded: self._fell)

    @property
    def bucket(self) -> TippingBucket:
        (bucket,) = (c for c in self._resident.board.wiring.chips() if isinstance(c, TippingBucket))
        return bucket

    def kept(self) -> int | None:
        """The total that the node would go on from after a power cut."""
        entries = json.loads(self._nvs.read_text()) if self._nvs.exists() else []
        found = [bytes.fromhex(raw) for *name, _, raw in entries if name == ["kept", "pulses33"]]
        return int.from_bytes(found[0], "little") if found else None

    async def kept_other_than(self, total: int | None) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.kept() == total:  # noqa: ASYNC110  the node tells nobody
                await asyncio.sleep(0.05)

    def unseen(self, tips: int) -> None:
        """Rain while the node has no power, so that nobody counts."""
        self._fell += tips

    async def rain(self, tips: int) -> None:
        """Tip by tip, each waited for until the node has counted it: a busy machine merges none."""
        for _ in range(tips):
            before = self.kept()
            self._fell += 1
            await self.kept_other_than(before)


def stored(town: Town) -> list[tuple[int | None, int]]:
    """(value, quality) of each record in the store, in the order of the node."""
    with town.reader() as reader:
        records = sorted(reader.after(0, 1 << 40), key=lambda record: record.seq)
    return [(record.values[0], record.quality[0]) for record in records]


async def fresh(town: Town) -> list[tuple[int | None, int]]:
    """The records that are in the store once there are more than now."""
    before = len(stored(town))
    async with asyncio.timeout(PATIENCE_S):
        while len(stored(town)) == before:  # noqa: ASYNC110  another process writes it
            await asyncio.sleep(0.2)
    return stored(town)


async def test_no_tip_is_lost_or_counted_twice_over_a_power_cut(tmp_path: Path) -> None:
    assert cli.main(["site", "new", "bodo", "--dir", str(tmp_path)]) == 0
    nodes = tmp_path / "bodo" / "nodes.yaml"
    nodes.write_text(nodes.read_text().replace("valid_from: 2026", "valid_from: 2020"))
    town = Town(
        tmp_path / "town",
        tmp_path / "bodo",
        only=[RAIN],
        interval_s=2,
        batch_s=6,
        speed=1,
        page_port=free_port(),
    )
    try:
        await town.start()
        sky, board = Sky(town), town.residents[RAIN].board
        await sky.kept_other_than(None)
        await sky.rain(5)
        await fresh(town)  # a batch has just gone to flash ...
        await sky.rain(2)
        await board.power_cut()  # ... and these tips are in no record yet
        sky.unseen(40)
        await board.power_on()
        await fresh(town)
        await sky.rain(4)
        while (await fresh(town))[-1][0] != 11:
            pass
        await proved(town)
        readings = stored(town)
        (points,) = (await town.points()).values()
    finally:
        await town.stop()
    totals = [value for value, _ in readings if value is not None]
    assert len(totals) == len(readings)
    assert totals == sorted(totals)
    assert totals[-1] == sky.bucket.pulses == 5 + 2 + 4
    assert {quality for _, quality in readings} == {OK, ESTIMATED}
    after_starts = [value for value, quality in readings if quality == ESTIMATED]
    assert after_starts[1] == 7
    assert len(after_starts) <= board.counts.starts
    assert {int(point["rain_um"]) for point in points} == {BUCKET_UM * total for total in totals}
