"""Other towns than the demo's: a new municipality's site, and a meter of another make."""

from pathlib import Path

import pytest

from tests.e2e.living_town import NARVIK, heard, proved, running
from tools import cli

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


async def test_a_new_municipality_runs_as_it_comes_out_of_the_box(tmp_path: Path) -> None:
    assert cli.main(["site", "new", "bodo", "--dir", str(tmp_path)]) == 0
    async with running(tmp_path / "town", tmp_path / "bodo") as town:
        await heard(town, 2)
        assert await proved(town) >= 2 * len(town.site.nodes)


async def test_meters_of_other_makes_report_power_and_registers(tmp_path: Path) -> None:
    site = tmp_path / "narvik-demo"
    site.mkdir()
    for file in NARVIK.iterdir():
        (site / file.name).write_text(file.read_text().replace("{make: aidon}", "{make: kaifa}"))
    async with running(tmp_path / "town", site, only=[31, 32]) as town:  # 32 has a Kamstrup
        await heard(town, 4)
        await proved(town)
        for node in town.site.nodes:
            with town.reader() as reader:
                records = reader.history(node.id, 0, 1 << 40)
            power = [record.values[node.profile.keys.index("import_power_w")] for record in records]
            register = [record.values[node.profile.keys.index("import_energy_wh")] for record in records]
            assert any(watts is not None and watts > 1_000 for watts in power)
            known = [wh for wh in register if wh is not None]
            assert known
            assert known == sorted(known)  # a register only ever counts up
