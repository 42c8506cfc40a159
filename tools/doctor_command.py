"""`sensornett doctor`: is everything of an installation well, and if not, what to do."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer
from rich.console import Console

from gateway import clock
from gateway.control import SOCKET_NAME, ControlError, Message, request
from gateway.store import SYNC_JOURNAL
from gateway.store.memory import place_in_use
from tools.finding import Finding, Health
from tools.installation.bundle import write_bundle
from tools.installation.checkup import machine_findings
from tools.installation.places import InstallError, Places

FAILED = 1
SYNC_SOCKET = "sync.sock"
UNSYNCED_WARN_S, UNSYNCED_FAIL_S = 900.0, 86_400.0
OUTAGE_WARN_H = 14 * 24.0
FREE_WARN, FREE_FAIL = 1 << 30, 256 << 20
SILENT_S = 3 * 3600

app = typer.Typer(help="Find out what is wrong with an installation.", no_args_is_help=False)


@app.command()
def doctor(
    state: Annotated[Path, typer.Option(help="The gateway's state directory.")],
    bundle: Annotated[
        Path | None, typer.Option(help="Also write all a helper needs into this file, without secrets.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Look at everything a helper on the phone would ask for; each has a verdict and its next step.

    Gateway, carriers, nodes, sync, clock, disk and its wear, versions; where a gateway is installed also
    broker, real-time clock, backup and tonight's duty. Exit status 1 where something has failed.
    """
    places = Places(data_path=PurePosixPath(state.absolute()))
    found = examine(state, request, time.time(), clock.synchronised())
    found += machine_findings(places, time.time(), synchronised=clock.synchronised())
    well = all(finding.health is not Health.FAILURE for finding in found)
    if as_json:
        typer.echo(json.dumps({"ok": well, "findings": [asdict(finding) for finding in found]}))
    else:
        console = Console(highlight=False)
        marks = {
            Health.OK: "[green]ok[/]     ",
            Health.WARNING: "[yellow]warning[/]",
            Health.FAILURE: "[red]FAILED[/] ",
        }
        for finding in found:
            console.print(f"{marks[finding.health]} {finding.what}: {finding.text}", soft_wrap=True)
            if finding.next_step:
                console.print(f"        {finding.next_step}", soft_wrap=True)
    if bundle is not None:
        try:
            inside = write_bundle(bundle, places, {"findings": [asdict(finding) for finding in found]})
        except InstallError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(FAILED) from error
        typer.echo(f"{bundle}: {', '.join(inside)}. Look through it before you send it.", err=True)
    if not well:
        raise typer.Exit(FAILED)


def examine(
    state: Path, ask: Callable[[Path, Message], Message], now_s: float, synchronised: bool
) -> list[Finding]:
    """Return what there is to say, the gateway first."""
    gateway: dict[str, Any] | None = None
    try:
        gateway = ask(place_in_use(state) / SOCKET_NAME, {"do": "status"})
        found = _gateway(gateway, now_s)
    except ControlError as error:
        step = "Start it with `sensornett gateway`; its log says why it ended."
        found = [Finding("gateway", Health.FAILURE, str(error), step)]
    found += _sync(state, ask, gateway)
    found.append(_clock(now_s, synchronised))
    found.append(_disk(state))
    return found


def _gateway(status: dict[str, Any], now_s: float) -> list[Finding]:
    found = [Finding("gateway", Health.OK, f"runs, {status['stored']} records stored")]
    for carrier in status["carriers"]:
        if carrier["connected"]:
            found.append(Finding(carrier["name"], Health.OK, "connected"))
        else:
            step = "Is the broker running, and are address, user, password and certificate right?"
            found.append(Finding(carrier["name"], Health.FAILURE, "not connected", step))
    for condition in status["conditions"]:
        health = Health.FAILURE if condition["urgent"] else Health.WARNING
        found.append(Finding("store", health, condition["text"], NEXT_STEPS.get(condition["name"], "")))
    silent = [n["node"] for n in status["nodes"] if now_s - (n["last_seen_ms"] or 0) / 1000 > SILENT_S]
    if silent:
        shown = ", ".join(map(str, silent[:10])) + (" ..." if len(silent) > 10 else "")
        step = "Look at batteries and radio or Wi-Fi; `sensornett gateway status` says since when."
        text = f"{len(silent)} of {len(status['nodes'])} were not heard for three hours: {shown}"
        found.append(Finding("nodes", Health.WARNING, text, step))
    else:
        found.append(Finding("nodes", Health.OK, f"all {len(status['nodes'])} were heard within three hours"))
    return found


NEXT_STEPS = {
    "memory_only": "The card is worn out or came loose: put in a new one, restore a backup, start again.",
    "disk_full": "Make room on the disk; nodes keep their records meanwhile.",
    "losing": "Bring InfluxDB back, or give the store more room with --store-cap.",
    "watermark": "Bring InfluxDB back within the hours that are left.",
    "salvaged": "Once what was lost is understood, delete the file that was set aside.",
    "damaged_chunks": "Restart the gateway: the store is then looked through and salvaged.",
    "ledger_open": "`sensornett ledger` names node and day; nodes may still bring what they hold.",
}


def _sync(
    state: Path, ask: Callable[[Path, Message], Message], gateway: dict[str, Any] | None
) -> list[Finding]:
    if not (state / SYNC_SOCKET).exists():
        if (state / SYNC_JOURNAL).exists():
            text = "has run here, and does not now"
            return [Finding("sync", Health.FAILURE, text, "Start it with `sensornett sync`.")]
        return [Finding("sync", Health.OK, "off: records stay in the gateway's store")]
    try:
        status = ask(state / SYNC_SOCKET, {"do": "status"})
    except ControlError as error:
        return [Finding("sync", Health.FAILURE, str(error), "Restart it; its log says why it ended.")]
    found = [_unsynced(status, gateway)]
    if status["quarantined"]:
        step = "See them with `sensornett sync quarantine list`; then retry or drop them."
        text = f"{status['quarantined']} records were refused by the server"
        found.append(Finding("quarantine", Health.WARNING, text, step))
    read_back = status.get("read_back") or {}
    if read_back.get("missing"):
        step = "They are sent again once. If it stays, look at the server's log and its retention."
        text = f"the server lacks {read_back['missing']} points it had confirmed"
        found.append(Finding("read back", Health.FAILURE, text, step))
    return found


def _unsynced(status: dict[str, Any], gateway: dict[str, Any] | None) -> Finding:
    age_s, pending = status["oldest_unsynced_age_s"], status["pending"]
    left_h = ((gateway or {}).get("room") or {}).get("outage_hours_left")
    if status["state"] == "ok" and (age_s is None or age_s < UNSYNCED_WARN_S):
        left = "" if left_h is None else f"; it may be away for {left_h:.0f} h"
        waits = "none waits" if age_s is None else f"the oldest of {pending} waits for {age_s:.0f} s"
        return Finding("sync", Health.OK, f"{status['synced']} records in {status['url']}, {waits}{left}")
    text = f"{pending} records wait, the oldest for {(age_s or 0) / 3600:.1f} h"
    if left_h is not None:
        text += f"; room for {left_h:.0f} h of outage is left"
    if status["last_error"]:
        text += f"; last answer: {status['last_error']}"
    late = (age_s or 0) > UNSYNCED_FAIL_S or (left_h is not None and left_h < OUTAGE_WARN_H)
    health = Health.FAILURE if status["state"] == "hold" or late else Health.WARNING
    step = (
        "Check address, database and credentials."
        if status["state"] == "hold"
        else "Is InfluxDB up and reachable?"
    )
    return Finding("sync", health, text, step if status["state"] != "ok" else "It is catching up.")


def _clock(now_s: float, synchronised: bool) -> Finding:
    if not clock.plausible(round(now_s * 1000)):
        text = "this machine's clock is from before this system was made"
        return Finding(
            "clock", Health.FAILURE, text, "Set it, or give it a time server: no node is welcomed until then."
        )
    if not synchronised:
        return Finding("clock", Health.WARNING, "not synchronised yet", "Is a time server reachable?")
    return Finding("clock", Health.OK, "synchronised")


def _disk(state: Path) -> Finding:
    try:
        free = shutil.disk_usage(state).free
    except OSError as error:
        return Finding("disk", Health.FAILURE, f"{state}: {error.strerror}", "Is --state right?")
    text = f"{free >> 20} MB free"
    if free < FREE_WARN:
        health = Health.FAILURE if free < FREE_FAIL else Health.WARNING
        return Finding("disk", health, text, "Make room; a full disk stops the acknowledgements.")
    return Finding("disk", Health.OK, text)
