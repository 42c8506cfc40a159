"""`sensornett check`: is a site's configuration right, and if not, where not?"""

import json
import os
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from device_configs.catalog import builtin_catalog
from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from device_configs.problem import ConfigError, Problem
from device_configs.radio_plan import plan
from gateway.alerts.rota import DAYS, RotaError, complaints, read_rota
from gateway.alerts.watches import BadCurve, watches

CONFIGURATION = 3
PLACEHOLDER = "# PLACEHOLDER"  # how `sensornett site new` marks what has to be filled in

app = typer.Typer()


@app.command()
def check(
    sites: Annotated[
        list[str] | None,
        typer.Argument(metavar="SITE", help="A site's folder, the name of one that comes along, or all."),
    ] = None,
    rota: Annotated[
        Path | None, typer.Option(help="The duty rota (CSV or iCalendar): every hour has to be manned.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Check boards, sensors, profiles and sites. Every problem is named with its file, line and column.

    Exit status 0: all is well. 3: there are problems.
    """
    problems: list[Problem] = []
    summaries: list[dict[str, Any]] = []
    try:
        builtin_catalog()
        for path in _paths(sites or ["all"]):
            try:
                site = load_site(path)
                problems += _rota_problems(rota, site) if rota else []
                problems += _curve_problems(path, site)
                summaries.append(_summary(site, path))
            except ConfigError as error:
                problems += error.problems
    except ConfigError as error:  # without the catalog no site can be judged
        problems += error.problems
    problems = [replace(problem, file=_shown(problem.file)) for problem in problems]
    for problem in problems:
        typer.echo(problem.pretty() + "\n", err=True)
    for summary in summaries:
        typer.echo(_line(summary), err=True)
    if problems:
        files = len({problem.file for problem in problems})
        typer.echo(f"{_count(len(problems), 'problem')} in {_count(files, 'file')}", err=True)
    if as_json:
        found = [problem.as_json() for problem in problems]
        typer.echo(json.dumps({"ok": not problems, "sites": summaries, "problems": found}))
    if problems:
        raise typer.Exit(CONFIGURATION)


def _curve_problems(path: Path, site: Site) -> list[Problem]:
    """Return what no rating curve can be made of."""
    try:
        watches(site)
    except BadCurve as error:
        return [Problem(path / "nodes.yaml", 1, 1, "", str(error))]
    return []


def _rota_problems(path: Path, site: Site) -> list[Problem]:
    """Return when nobody would be paged in the coming two weeks."""
    zone = ZoneInfo(site.timezone)
    try:
        shifts = read_rota(path, zone)
    except RotaError as error:
        return [Problem(path, 1, 1, "", str(error).removeprefix(f"{path}").lstrip(": "))]
    found = complaints(shifts, site.recipients, int(time.time()), DAYS, zone)
    if not any(recipient.rota for recipient in site.recipients):
        found.append(f"no recipient of {site.id} has `rota: true` in alerts.yaml")
    return [Problem(path, 1, 1, "", complaint) for complaint in found]


def _paths(names: list[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        if name == "all":
            found += sorted(folder for folder in SITES.iterdir() if folder.is_dir())
        elif not Path(name).exists() and (SITES / name).is_dir():
            found.append(SITES / name)
        else:
            found.append(Path(name))
    return [_shown(path) for path in dict.fromkeys(found)]


def _shown(path: Path) -> Path:
    """Return the path as people know it: seen from where they are, if it is below."""
    absolute = path.absolute()
    here = Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else Path(os.path.normpath(path))


def _summary(site: Site, path: Path) -> dict[str, Any]:
    files = sorted(path.glob("*.yaml"))
    rules = [rule for rule in site.rules if not rule.gateway]  # those of the gateway itself hold anywhere
    return {
        "site": site.id,
        "path": str(path),
        "name": site.name,
        "demo": site.demo,
        "nodes": len(site.nodes),
        "profiles": dict(sorted(Counter(node.profile.name for node in site.nodes).items())),
        "rules": len(rules),
        "unverified_rules": sum(rule.verified_by is None for rule in rules),
        "buildings": len(site.buildings),
        "initiatives": len(site.initiatives),
        "radio": [radio_of(site, node) for node in site.nodes if "lora" in node.carriers],
        "bridge": site.lora.bridge if site.lora else None,
        "receivers": receivers_of(site),
        "relay": [{**home.model_dump(), "nodes": list(home.nodes)} for home in site.relay],
        "placeholders": sum(file.read_text().count(PLACEHOLDER) for file in files),
    }


def radio_of(site: Site, node: Node) -> dict[str, Any]:
    """Return what a LoRa node will use of the air, of the law's limit and of its battery."""
    assert site.lora is not None  # the loader has refused such a site
    sensors = [site.catalog.sensors[name] for name in node.profile.sensors.values()]
    warmup_ms = max((sensor.warmup_ms for sensor in sensors if sensor.switched), default=0)
    found = plan(
        node.profile, site.lora, node.interval_s, node.event_interval_s, node.sensors, warmup_ms=warmup_ms
    )
    return {"node": node.id, **{key: _rounded(value) for key, value in asdict(found).items()}}


def receivers_of(site: Site) -> dict[str, Any] | None:
    """Return what nodes send by radio, and what hears all of it; None: the site has no radio."""
    lora = site.lora
    if lora is None:
        return None
    wide = lora.channels_khz or lora.fallback_spreading_factor
    return {
        "uplinks_khz": list(lora.uplinks_khz),
        "spreading_factor": lora.spreading_factor,
        "fallback_spreading_factor": lora.fallback_spreading_factor,
        "hear_all": ["concentrator"] if wide else ["concentrator", "bridge"],
    }


def _receiver_lines(summary: dict[str, Any]) -> str:
    found, bridge = summary["receivers"], summary["bridge"]
    if found is None:
        return ""
    khz, sf, slow = found["uplinks_khz"], found["spreading_factor"], found["fallback_spreading_factor"]
    line = f"\n     LoRa: {_count(len(khz), 'channel')} at SF{sf}" + (f", and SF{slow}" if slow else "")
    if "bridge" not in found["hear_all"]:
        line += ": a concentrator hears all of it (`packet_forwarder` in gateway.yaml)"
    elif bridge is None:
        line += ": a concentrator hears it, or a USB bridge (`lora: {bridge: BOARD}` in site.yaml)"
    if bridge:
        part = "all of it" if "bridge" in found["hear_all"] else "nothing else"
        line += f"\n     bridge: {bridge}, hears {khz[0] / 1000:g} MHz at SF{sf}, {part}"
        line += " (`bridge` in gateway.yaml)"
    return line


def _relay_line(home: dict[str, Any]) -> str:
    nodes = ", ".join(map(str, home["nodes"]))
    whose = f"frames of its nodes {nodes}" if nodes else "every frame by radio that none of our nodes sent"
    where = f"{home['site']} at {home['broker']}, as relay-{home['name']}"
    files = f"relay/{home['site']}.password and relay/{home['site']}.pem in the state directory"
    return f"\n     relay: {whose}, to {where}; it takes {files}"


def _rounded(value: float | None) -> float | None:
    return round(value, 2) if isinstance(value, float) else value


def _radio_line(radio: dict[str, Any]) -> str:
    line = f"\n     node {radio['node']}: {radio['report_bytes']} B and {radio['airtime_ms']} ms a report"
    line += f", {radio['permille'] / 10:.2g} % of what the law allows"
    if radio["worst_permille"] > radio["permille"]:
        line += f" ({radio['worst_permille'] / 10:.2g} % in an event)"
    if radio["years"]:
        line += (
            f"; one D cell lasts {radio['years']:.1f} years, {radio['years_cold']:.1f} at -20 °C (modelled)"
        )
    return line


def _line(summary: dict[str, Any]) -> str:
    nodes = ", ".join(f"{count} {name}" for name, count in summary["profiles"].items())
    line = f"ok   {summary['site']}{' (demo)' if summary['demo'] else ''}: {_count(summary['nodes'], 'node')}"
    line += f" ({nodes})" if nodes else ""
    line += f", {_count(summary['rules'], 'rule')}, {_count(summary['buildings'], 'building')}"
    if summary["unverified_rules"]:
        line += f"\n     {_count(summary['unverified_rules'], 'rule')} nobody has verified for this site"
    if summary["placeholders"]:
        line += f"\n     {_count(summary['placeholders'], 'placeholder')} left: search for `{PLACEHOLDER}`"
    line += _receiver_lines(summary) + "".join(map(_relay_line, summary["relay"]))
    return line + "".join(map(_radio_line, summary["radio"]))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
