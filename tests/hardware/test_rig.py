"""Opening a bench: locked against double use, and in words where an instrument is missing."""

from pathlib import Path

import pytest

from hardware.bench_file import BENCHES, load_bench
from hardware.protocols import InstrumentError
from hardware.rig import locked, opened


def test_a_bench_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.touch()
    with locked(path), pytest.raises(InstrumentError, match="bench mine is in use"), locked(path):
        pass
    with locked(path):
        pass


async def test_a_virtual_bench_opens_with_what_its_file_names(tmp_path: Path) -> None:
    path = BENCHES / "virtual.yaml"
    file, site, node = load_bench(path)
    async with opened(file.model_copy(update={"meter": None}), site, node, path, tmp_path) as bench:
        assert bench.meter is None
        assert bench.stimulus is not None
        await bench.power.on()
        assert bench.console.text() == ""  # blank


async def test_a_real_bench_without_its_instruments_says_which(tmp_path: Path) -> None:
    relay = tmp_path / "hidraw0"  # /dev has one wherever a mouse is plugged in
    path = tmp_path / "example.yaml"
    path.write_text((BENCHES / "example.yaml").read_text().replace("/dev/hidraw0", str(relay)))
    file, site, node = load_bench(path)
    with pytest.raises(InstrumentError, match=f"relay {relay} can not be opened"):
        async with opened(file, site, node, path, tmp_path):
            pass
