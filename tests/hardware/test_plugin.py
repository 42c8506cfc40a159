"""The plugin as a suite sees it: skips with words, artefacts, exit status of a bad bench."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hardware.bench_file import BENCHES

ROOT = Path(__file__).parents[2]
SUITE = """
import pytest
@pytest.fixture
def program():
    return {"main.py": b"import machine\\nprint('cold boot 1')\\nmachine.deepsleep(60000)"}
@pytest.mark.needs("meter")
async def test_metered(bench, dut):
    pass
async def test_boots(dut):
    from hardware.strategy import State
    await dut.to(State.ASLEEP)
"""


TIMED = """
import pytest
@pytest.fixture
def bench():
    pass
@pytest.mark.timeout(77)
def test_it(bench, request):
    assert request.node.get_closest_marker("timeout").args == (LIMIT,)
"""


def run(folder: Path, *arguments: str, suite: str = SUITE) -> subprocess.CompletedProcess[str]:
    (folder / "test_small.py").write_text(suite)
    command = [sys.executable, "-P", "-m", "pytest", "-p", "hardware.plugin", "-p", "no:cacheprovider", "-rs"]
    options = ["-o", "asyncio_mode=auto", "--rootdir", str(folder), "-c", os.devnull, *arguments]
    return subprocess.run(
        [*command, *options, str(folder / "test_small.py")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_bench_without_a_meter_skips_in_words_and_keeps_the_console(tmp_path: Path) -> None:
    bench = tmp_path / "small.yaml"
    text = (BENCHES / "virtual.yaml").read_text()
    bench.write_text(text.replace("name: virtual", "name: small").replace("meter: {kind: virtual}\n", ""))
    done = run(tmp_path, "--bench", str(bench), "--artefacts", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    assert "bench small has no meter" in done.stdout
    assert (tmp_path / "kept/test_boots/console.log").read_text() == "cold boot 1\n"
    found = json.loads((tmp_path / "kept/results.json").read_text())["results"]
    kept = [(r["outcome"], r["folder"]) for r in found]
    assert kept == [("skipped", "test_metered"), ("passed", "test_boots")]
    report = (tmp_path / "kept/report.html").read_text()
    assert "bench small has no meter" in report
    assert "Node 11 of site narvik-demo: Stream intake, on " in report
    assert "On a virtual bench: console, power, flasher, stimulus, radio, attenuator" in report


def test_a_wrong_file_ends_the_run_with_its_place(tmp_path: Path) -> None:
    bench = tmp_path / "small.yaml"
    bench.write_text((BENCHES / "virtual.yaml").read_text().replace("power:", "powr:"))
    done = run(tmp_path, "--bench", str(bench))
    assert done.returncode == 3
    assert "small.yaml:" in done.stdout + done.stderr
    assert "did you mean `power`?" in done.stdout + done.stderr


def test_a_bench_that_is_not_there_ends_the_run_as_one_without_a_device(tmp_path: Path) -> None:
    bench = tmp_path / "example.yaml"
    bench.write_text((BENCHES / "example.yaml").read_text().replace("/dev/hidraw0", f"{tmp_path}/hidraw0"))
    done = run(tmp_path, "--bench", str(bench))
    assert done.returncode == 4
    assert f"relay {tmp_path}/hidraw0 can not be opened" in done.stdout
    assert "sensornett rig check" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_where_time_is_real_no_test_is_ended_by_its_limit(tmp_path: Path) -> None:
    for bench, limit in (("virtual", 77), ("example", 0)):
        done = run(tmp_path, "--bench", bench, suite=TIMED.replace("LIMIT", str(limit)))
        assert done.returncode == 0, done.stdout + done.stderr
