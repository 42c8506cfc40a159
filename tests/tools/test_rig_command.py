"""The command around the bench: list, check, run."""

import json
from pathlib import Path

import pytest

from hardware.bench_file import BENCHES
from hardware.report import Result, keep
from tools import cli


def test_list_names_each_bench_and_its_instruments(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rig", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["benches"]
    assert found.keys() == {path.stem for path in BENCHES.glob("*.yaml")}
    assert found["virtual"].endswith("stimulus, meter, radio, attenuator")
    assert "stimulus" not in found["example"]


def test_check_walks_the_virtual_board_to_sleep(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rig", "check", "virtual", "--flash", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [look["what"] for look in said["looks"]] == [
        "console", "power", "meter", "stimulus", "radio", "attenuator", "board",
    ]  # fmt: skip


def test_check_says_what_is_missing_of_a_real_bench(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "example.yaml"
    path.write_text((BENCHES / "example.yaml").read_text().replace("/dev/hidraw0", f"{tmp_path}/hidraw0"))
    assert cli.main(["rig", "check", str(path)]) == 4
    said = capsys.readouterr().err
    assert "MISSING console: /dev/serial/by-id/" in said
    assert f"MISSING power: {tmp_path}/hidraw0 is not there" in said
    assert "stimulus: this bench has none; tests that need it are skipped" in said
    assert "attenuator: this bench has none; tests that need it are skipped" in said
    assert "Traceback" not in said


def test_check_of_a_wrong_file_gives_place_and_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "virtual.yaml"
    path.write_text((BENCHES / "virtual.yaml").read_text().replace("console:", "consol:"))
    assert cli.main(["rig", "check", str(path)]) == 3
    said = capsys.readouterr().err
    assert f"{path}:6:1: unknown key `consol`" in said
    assert "did you mean `console`?" in said


@pytest.mark.servers
def test_run_runs_the_suite_and_keeps_console_and_report(tmp_path: Path) -> None:
    assert cli.main(["rig", "run", "virtual", "--only", "cold_boot", "--artefacts", str(tmp_path)]) == 0
    (log,) = tmp_path.glob("*cold_boot*/console.log")
    assert log.read_text().startswith("cold boot 1 ")
    assert 'failures="0"' in (tmp_path / "junit.xml").read_text()


@pytest.mark.servers
def test_the_suite_runs_unchanged_on_a_bench_of_another_node_that_plays_less(tmp_path: Path) -> None:
    """A snow node, whose ranger is all that a stimulus board can play; and no radio."""
    text = (
        (BENCHES / "virtual.yaml")
        .read_text()
        .replace("radio: {kind: virtual}\nattenuator: {kind: virtual}\n", "")
    )
    for old, new in {
        "name: virtual": "name: snow",
        "node: 11": "node: 21",
        "stimulus: {kind: virtual}": "stimulus: {kind: virtual, channels: [distance], button: false}",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "snow.yaml").write_text(text)
    only = "each_sensor or power_cuts or low_only or heard_down"
    kept = tmp_path / "kept"
    assert (
        cli.main(["rig", "run", str(tmp_path / "snow.yaml"), "--only", only, "--artefacts", str(kept)]) == 0
    )
    results = json.loads((kept / "results.json").read_text())["results"]
    assert sorted(result["outcome"] for result in results) == ["passed", "passed", "skipped", "skipped"]
    said = " ".join(result["said"] for result in results)
    assert "nothing plays the battery of bench snow" in said
    assert "bench snow has no attenuator and no radio" in said


@pytest.mark.servers
def test_burn_in_takes_as_long_as_asked_for_and_tells_each_hour(tmp_path: Path) -> None:
    kept = ["--artefacts", str(tmp_path)]
    assert cli.main(["rig", "run", "virtual", "--burn-in", "--burn-in-hours", "0.1", *kept]) == 0
    assert [path.parent.name for path in tmp_path.glob("*/console.log")] == ["test_burn_in"]
    (only,) = json.loads((tmp_path / "test_burn_in/hours.json").read_text())
    assert 4 <= only["records"] <= 7


def test_report_is_made_anew_or_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["rig", "report", str(tmp_path)]) == 1
    assert "Run the suite with --artefacts" in capsys.readouterr().err
    keep(tmp_path, "small", [Result("t.py::test_boots", "passed", 1.0, "", "")])
    (tmp_path / "report.html").unlink()
    assert cli.main(["rig", "report", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "report": str(tmp_path / "report.html")}
    assert (tmp_path / "report.html").exists()
