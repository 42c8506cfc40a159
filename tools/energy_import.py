"""Takes other systems' files into the energy book."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from device_configs.import_schema import Mapping, Target
from device_configs.loader import load_site
from device_configs.model import Site
from device_configs.problem import Problem
from gateway.energy.given import Given
from gateway.energy.importing import Parsed, parse
from gateway.store import StoreError
from gateway.store.energy_book import TEMPERATURE, EnergyBook, Import, Series
from tools.energy_sources import USAGE, fail, now_ms
from tools.energy_tables import Row

SHOWN = 20  # problems of one file, and revisions of one series


def import_files(
    site_dir: Path, state: Path, mapping: Mapping, files: Sequence[Path]
) -> tuple[list[Row], list[str], bool]:
    """Import files; return (a row for each series, notes for people, whether it failed)."""
    _check_targets(load_site(site_dir), mapping)
    contents = [(file, file.read_bytes()) for file in files]
    parsed = [(file, raw, _parse(raw, mapping, file)) for file, raw in contents]
    problems = [problem for _, _, found in parsed for problem in found.problems]
    if problems:
        notes = [problem.pretty() for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            notes.append(f"... and {len(problems) - SHOWN} more")
        notes.append("Nothing was imported.")
        return [], notes, True
    rows, notes = [], []
    try:
        with EnergyBook.write(state, now_ms()) as book:
            for file, raw, found in parsed:
                values = [(_series(target), given) for target, given in found.values.items()]
                digest = hashlib.sha256(raw).hexdigest()
                for outcome in book.take(values, file.name, digest, mapping.source, now_ms()):
                    rows.append(_row(file, outcome, dict(values)[outcome.series]))
                    notes += _revisions(outcome)
    except StoreError as error:
        return rows, [str(error)], True
    return rows, notes, False


def _check_targets(site: Site, mapping: Mapping) -> None:
    known = {building.id for building in site.buildings}
    for target in mapping.targets:
        if target.building is not None and target.building not in known:
            fail(
                f"the mapping names `{target.building}`; buildings.yaml has: {', '.join(sorted(known))}",
                USAGE,
            )


def _parse(raw: bytes, mapping: Mapping, file: Path) -> Parsed:
    try:
        text = raw.decode(mapping.encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = f"byte {error.start} is not {mapping.encoding}"
        return Parsed(problems=[Problem(file, line, 1, "", message, "`encoding: latin-1` in the mapping?")])
    return parse(text, mapping, file)


def _series(target: Target) -> Series:
    if target.temperature is not None:
        return Series(target.temperature, TEMPERATURE, "main")
    assert target.building is not None
    return Series(target.building, target.carrier, target.meter)


def _row(file: Path, outcome: Import, given: Sequence[Given]) -> Row:
    series = outcome.series
    return {
        "file": file.name,
        "building": series.building,
        "carrier": series.carrier,
        "meter": series.meter,
        "first": _utc(given[0].start_s),
        "last": _utc(given[-1].end_s),
        "new": outcome.new,
        "unchanged": outcome.unchanged,
        "revised": len(outcome.revised),
        "difference": sum(revised.difference for revised in outcome.revised),
    }


def _revisions(outcome: Import) -> list[str]:
    name = f"{outcome.series.building} {outcome.series.carrier}"
    notes = [
        f"{name}: {_utc(r.start_s)} was {r.before}, is {r.after} ({r.difference:+d})"
        for r in outcome.revised[:SHOWN]
    ]
    if len(outcome.revised) > SHOWN:
        notes.append(f"{name}: ... and {len(outcome.revised) - SHOWN} more revisions")
    return notes


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
