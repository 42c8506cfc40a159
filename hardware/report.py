"""The HTML report of a run of the suite: what each test came to, what the board said, what it drew and sent.

A run leaves in its folder `results.json` and, for each test, a folder of its own with `console.log`,
`frames.txt` (UTC ms and the sealed frame, in hex), `current.json` ([seconds, mean uA, peak uA] pieces),
`air.json` (what was heard by radio, and through which loss) and, of an acceptance, `acceptance.json`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from hardware.protocols import HeardFrame
from hardware.report_page import Line, chart, figures, number, page, table

RESULTS, REPORT = "results.json", "report.html"
CONSOLE_LOG, FRAMES, CURRENT, AIR = "console.log", "frames.txt", "current.json", "air.json"
ACCEPTANCE = "acceptance.json"
SHORT = 160  # characters of a reason in the table
TAIL = 6000  # characters of a console log that are shown
MARKS = {"passed": "✓ passed", "failed": "✗ failed", "skipped": "skipped", "xfailed": "known fault"}


class NoResults(Exception):
    """There is nothing to report on; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test. `said` is why it failed or was skipped; `folder` is below the run's, "" where it has none."""

    name: str
    outcome: str
    seconds: float
    said: str
    folder: str


def keep(folder: Path, bench: str, results: Sequence[Result], about: Sequence[str] = ()) -> None:
    """Write a run's results and its report; `about` says what was run on what, and when."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"bench": bench, "about": list(about), "results": [asdict(result) for result in results]}
    (folder / RESULTS).write_text(json.dumps(found, indent=1) + "\n")
    write(folder)


def write(folder: Path) -> Path:
    """Make the report of a run's folder; return its path. Raises NoResults."""
    try:
        found: dict[str, Any] = json.loads((folder / RESULTS).read_text())
        results = [Result(**result) for result in found["results"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NoResults(
            f"{folder / RESULTS} can not be read: {error}. Run the suite with --artefacts {folder} first."
        ) from error
    path = folder / REPORT
    about = [str(line) for line in found.get("about", ())]
    path.write_text(render(folder, str(found["bench"]), results, about))
    return path


def render(folder: Path, bench: str, results: Sequence[Result], about: Sequence[str] = ()) -> str:
    """Return the report as HTML, what failed first."""
    results = sorted(results, key=lambda result: result.outcome != "failed")
    counts = Counter(result.outcome for result in results)
    body = [
        f"<h1>Bench {escape(bench)}</h1>",
        *(f'<p class="faint">{escape(line)}</p>' for line in about),
        figures(
            [(number(counts[outcome]), MARKS[outcome].lstrip("✓✗ ")) for outcome in MARKS if counts[outcome]]
            + [(f"{sum(result.seconds for result in results):.0f} s", "in all")]
        ),
        table(
            ("test", "outcome", "seconds", "why"),
            [
                (
                    _plain(r.name), MARKS.get(r.outcome, r.outcome), f"{r.seconds:.1f}",
                    _why(r.said),
                )
                for r in results
            ],
        ),
    ]  # fmt: skip
    for result in results:
        body += _details(folder / result.folder if result.folder else None, result)
    return page(f"Bench {bench}: {counts['passed']} passed, {counts['failed']} failed", body)


def _why(said: str) -> str:
    """Return in one line why a test failed or was skipped: what pytest marks with E, or the last line."""
    lines = said.strip().splitlines() or [""]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return " ".join(filter(None, marked))[:SHORT] or lines[-1][:SHORT]


def _details(folder: Path | None, result: Result) -> list[str]:
    shown: list[str] = []
    if result.outcome == "failed":
        shown.append(f"<pre>{escape(result.said[-TAIL:])}</pre>")
    if folder is not None:
        shown += [*_accepted(folder), *_current(folder), *_frames(folder), *_air(folder)]
        log = folder / CONSOLE_LOG
        if log.exists() and (text := log.read_text(errors="replace")):
            shown.append(
                f"<details><summary>What the board printed ({number(len(text))} characters)</summary>"
                f"<pre>{escape(text[-TAIL:])}</pre></details>"
            )
    return [f"<h2>{escape(_plain(result.name))}</h2>", *shown] if shown else []


def _accepted(folder: Path) -> list[str]:
    try:
        record = json.loads((folder / ACCEPTANCE).read_text())
    except (OSError, ValueError):
        return []
    words = "What was accepted, and a record that the node itself has sealed:"
    return [f"<p>{words}</p>", table(("what", "which"), [(str(k), str(v)) for k, v in record.items()])]


def _current(folder: Path) -> list[str]:
    try:
        pieces = json.loads((folder / CURRENT).read_text())
    except (OSError, ValueError):
        return []
    points: list[tuple[float, float | None]] = []
    peaks: list[tuple[float, float | None]] = []
    end_s = None
    for begin_s, seconds, mean_ua, peak_ua in pieces:
        if end_s is not None and begin_s - end_s > 1:  # nobody measured in between
            points.append((begin_s, None))
            peaks.append((begin_s, None))
        end_s = begin_s + seconds
        for at_s in (begin_s, end_s):
            points.append((at_s, mean_ua / 1000))
            peaks.append((at_s, peak_ua / 1000))
    lines = [Line("mean", points), Line("peak", peaks)]
    return [chart("Current", lines, y_unit="mA", x_unit="s", height=180, y_least=0)]


def _frames(folder: Path) -> list[str]:
    try:
        rows = [line.split() for line in (folder / FRAMES).read_text().splitlines()]
    except OSError:
        return []
    if not rows:
        return []
    begin_ms = int(rows[0][0])
    total = 0
    points: list[tuple[float, float | None]] = []
    for at_ms, content in rows:
        total += len(content) // 2
        points.append(((int(at_ms) - begin_ms) / 1000, total))
    words = f'<p class="faint">{len(rows)} frames, {number(total)} bytes in all.</p>'
    if len(rows) < 3:
        return [words]
    lines = [Line("bytes sent", points, steps=True)]
    return [words, chart("Frames", lines, y_unit="bytes", x_unit="s", height=180, y_least=0)]


def air(heard: Sequence[HeardFrame], losses: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """Return what a bench's radio has to tell, for the file."""
    frames = [{**asdict(f), "payload": f.payload.hex(), "airtime_s": f.airtime_s} for f in heard]
    return {"frames": frames, "losses": list(losses)}


def _air(folder: Path) -> list[str]:
    try:
        found = json.loads((folder / AIR).read_text())
    except (OSError, ValueError):
        return []
    frames = found["frames"]
    begin_ms = min([frames[0]["ended_ms"], *(at_ms for at_ms, _ in found["losses"])])
    signal: dict[int, list[tuple[float, float | None]]] = defaultdict(list)
    used: dict[int, list[tuple[float, float | None]]] = defaultdict(list)
    for frame in frames:
        minutes = (frame["ended_ms"] - begin_ms) / 60_000
        signal[frame["spreading_factor"]].append((minutes, frame["snr_db"]))
        same = [f for f in frames if f["frequency_khz"] == frame["frequency_khz"]]
        hour = [f["airtime_s"] for f in same if 0 <= frame["ended_ms"] - f["ended_ms"] < 3_600_000]
        used[frame["frequency_khz"]].append((minutes, sum(hour)))
    whole_s = sum(frame["airtime_s"] for frame in frames)
    parts = [
        f'<p class="faint">{len(frames)} frames heard by radio, {number(round(whole_s, 1))} s on the air.</p>'
    ]
    if len(frames) < 3:
        return parts
    end = (frames[-1]["ended_ms"] - begin_ms) / 60_000
    steps: list[tuple[float, float | None]] = [((at - begin_ms) / 60_000, db) for at, db in found["losses"]]
    lines = [Line(f"SNR of SF{sf}", points) for sf, points in sorted(signal.items())]
    if steps:
        lines.append(Line("attenuator", [*steps, (max(end, steps[-1][0] or 0), steps[-1][1])], steps=True))
    parts.append(chart("Signal", lines, y_unit="dB", x_unit="min", height=200))
    bands = [Line(f"{khz / 1000:g} MHz", points, steps=True) for khz, points in sorted(used.items())]
    parts.append('<p class="faint">Airtime of the hour before:</p>')
    parts.append(chart("Airtime", bands[:4], y_unit="s", x_unit="min", height=180, y_least=0))
    return parts


def _plain(name: str) -> str:
    return name.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def outcome_of(report: Mapping[str, Any]) -> str:
    """Return the outcome of a test by pytest's words: a skip of an expected failure is a known fault."""
    if report["outcome"] == "skipped" and report.get("wasxfail"):
        return "xfailed"
    return str(report["outcome"])
