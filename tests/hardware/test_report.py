"""The report of a run, from what the run left behind."""

import json
from pathlib import Path

import pytest

from hardware.protocols import HeardFrame
from hardware.report import (
    ACCEPTANCE,
    AIR,
    CONSOLE_LOG,
    CURRENT,
    FRAMES,
    NoResults,
    Result,
    air,
    keep,
    outcome_of,
    write,
)


def test_it_shows_why_what_was_said_drawn_and_sent(tmp_path: Path) -> None:
    folder = tmp_path / "test_boots"
    folder.mkdir()
    (folder / CONSOLE_LOG).write_text("cold boot 1 <b>\n")
    (folder / CURRENT).write_text(json.dumps([[0, 1, 45_000, 46_000], [1, 1, 20, 25], [50, 1, 20, 25]]))
    (folder / FRAMES).write_text("1000 0102\n2000 01\n61000 010203\n")
    said = "Traceback\nE  not within 40 s\nE\nE  it printed\n\nt.py:7: Stuck"
    failed = Result("t.py::test_boots", "failed", 2.5, said, "test_boots")
    skipped = Result("t.py::test_hums", "skipped", 0.0, "bench small has no meter", "")
    keep(tmp_path, "small", [skipped, failed], ["2026-11-25 09:00 UTC, for 0:01:02"])
    text = (tmp_path / "report.html").read_text()
    assert '<p class="faint">2026-11-25 09:00 UTC, for 0:01:02</p>' in text
    assert "<td>not within 40 s it printed</td>" in text
    assert text.index("✗ failed") < text.index("bench small has no meter")  # what failed comes first
    assert 'aria-label="Current: mean 0.02 to 45 mA; peak 0.03 to 46 mA"' in text
    for part in ("✗ failed", "E  not within 40 s", "bench small has no meter", "cold boot 1 &lt;b&gt;"):
        assert part in text
    assert "3 frames, 6 bytes in all" in text
    assert text.count("<svg") == 2
    (tmp_path / "report.html").unlink()
    assert write(tmp_path).read_text() == text


def heard(minute: float, snr_db: float, airtime_s: float) -> HeardFrame:
    frame = HeardFrame(1_000_000 + round(minute * 60_000), 868_300, 7, 125, -100, snr_db, b"\x11" * 20)
    assert frame.airtime_s == pytest.approx(airtime_s, abs=0.001)
    return frame


def test_it_shows_what_was_heard_by_radio_and_through_which_loss(tmp_path: Path) -> None:
    folder = tmp_path / "test_range"
    folder.mkdir()
    frames = [heard(1, 10, 0.057), heard(2, -5, 0.057), heard(62, -7.25, 0.057)]
    losses = [(1_000_000, 60.0), (1_060_000, 90.0)]
    (folder / AIR).write_text(json.dumps(air(frames, losses)))
    keep(tmp_path, "small", [Result("t.py::test_range", "passed", 1.0, "", "test_range")])
    text = (tmp_path / "report.html").read_text()
    assert "3 frames heard by radio, 0.2 s on the air." in text
    for part in ("SNR of SF7", "attenuator", "868.3 MHz"):
        assert part in text
    assert text.count("<svg") == 2
    (folder / AIR).write_text(json.dumps(air(frames[:1], [])))
    assert "1 frames heard" in write(tmp_path).read_text()


def test_what_was_accepted_is_shown(tmp_path: Path) -> None:
    (tmp_path / "test_accepts").mkdir()
    (tmp_path / "test_accepts" / ACCEPTANCE).write_text(json.dumps({"node": 11, "frame": "c0ffee"}))
    keep(tmp_path, "small", [Result("t.py::test_accepts", "passed", 1.0, "", "test_accepts")])
    text = (tmp_path / "report.html").read_text()
    assert "<td>frame</td><td>c0ffee</td>" in text
    assert '<td>node</td><td class="n">11</td>' in text


def test_a_test_that_left_nothing_is_a_line_only(tmp_path: Path) -> None:
    keep(tmp_path, "small", [Result("t.py::test_boots", "passed", 1.0, "", "")])
    text = (tmp_path / "report.html").read_text()
    assert "✓ passed" in text
    assert "<h2>" not in text


@pytest.mark.parametrize("content", [None, "no json", "{}"])
def test_without_results_it_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(NoResults, match="Run the suite with --artefacts"):
        write(tmp_path)


def test_an_expected_failure_is_no_skip() -> None:
    assert outcome_of({"outcome": "skipped", "wasxfail": True}) == "xfailed"
    assert outcome_of({"outcome": "skipped"}) == "skipped"
