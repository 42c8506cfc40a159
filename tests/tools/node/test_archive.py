"""The archive of registers, read off a board at its prompt."""

import csv
import io
from pathlib import Path
from typing import Any

from device_configs.loader import SITES, load_site
from hardware.virtual.archive_image import ArchivedHour
from node.archive import Archive
from tests.tools.node.bench import demo_nodes, run, site_with, with_micropython
from tools.node.archive import write_table
from wire.quantities import MISSING, OK

START = 1_767_225_600
SITE = load_site(SITES / "narvik-demo")


def kept(folder: Path, hours: int) -> dict[str, bytes]:
    """Archive files as node 31 writes them: a meter that is swapped after 300 hours."""
    made: Any = Archive
    archive = made(31, 3, (2, 3, 12, 13), 42, directory=str(folder))
    archive.recover()
    for n in range(hours):
        values: list[int | None] = [None] * 14
        values[2], values[3] = 5_000_000 + 1234 * n, 7
        quality = [MISSING if value is None else OK for value in values]
        clock = 3 if n == 0 else None
        archive.append([(START + 3600 * n, clock, values, quality)], b"\1\2\3\4" if n < 300 else b"\5\6\7\10")
    return {f"archive/{file.name}": file.read_bytes() for file in folder.iterdir()}


async def test_a_year_of_registers_comes_off_a_node_as_a_table(tmp_path: Path, capfd: Any) -> None:
    energy = [node for node in demo_nodes() if node["id"] == 31]
    site = site_with(tmp_path, energy)
    bench = with_micropython("a", tmp_path, tmp_path / "ports", "esp32")
    where = ["--site", str(site), "--port", str(bench.port.path), "--lang", "en", "--json"]
    table = tmp_path / "registers.csv"
    await bench.plug()
    try:
        none = await run(capfd, "node", "archive", str(table), *where)
        assert (none.status, none.json["trouble"]) == (1, "no_archive")
        assert not table.exists()
        await bench.unplug()
        bench.board.change(dict(kept(tmp_path / "archive", 800)))
        await bench.plug()
        said = await run(capfd, "node", "archive", str(table), *where)
        assert said.status == 0, said.err
        assert said.json["hours"] == 800
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 800
        assert rows[0] == {
            "time_utc": "", "clock": "3", "clock_s": str(START), "meter": "01020304",
            "import_energy_wh": "5000000", "export_energy_wh": "7",
        }  # fmt: skip
        assert rows[799]["time_utc"] == "2026-02-03T07:00:00Z"
        assert rows[799]["import_energy_wh"] == str(5_000_000 + 1234 * 799)
        assert {row["meter"] for row in rows[300:]} == {"05060708"}
    finally:
        await bench.close()


def test_registers_of_a_profile_nobody_knows_keep_their_place() -> None:
    out = io.StringIO()
    hours = [ArchivedHour(31, 3, START, 0, None, {2: 5}), ArchivedHour(31, 99, START + 3600, 0, None, {1: 6})]
    write_table(out, hours, SITE)
    assert out.getvalue().splitlines() == [
        "time_utc,clock,clock_s,meter,import_energy_wh,schema99_1",
        "2026-01-01T00:00:00Z,,,,5,",
        "2026-01-01T01:00:00Z,,,,,6",
    ]
