"""`sensornett node settings`: what changes on nodes in the field, and handing it out over the air."""

from contextlib import nullcontext
from typing import Annotated

import typer

from device_configs.compile import config_hash
from tools.node import commission as commissioning
from tools.node.credentials import Credentials
from tools.node.handing_out import changes, hand_out, handed_out
from tools.node.network import load_network, settings_for
from tools.node.registry import alone
from tools.node.session import (
    Json,
    Lang,
    SiteOption,
    State,
    Verbose,
    node_of,
    registry_of,
    session,
    site_at,
)
from tools.node.trouble import Trouble


def settings(
    site: SiteOption,
    state: State,
    node: Annotated[int | None, typer.Argument(help="Number of the node; left out: all of them.")] = None,
    push: Annotated[bool, typer.Option("--push", help="Have the gateway hand them out.")] = False,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """What the site's files would change on nodes in the field; with --push they get it over the air."""
    with session(lang, as_json, verbose) as s, alone(state) if push else nullcontext():
        found, _ = site_at(site)
        registry = registry_of(found, state)
        if node is not None and registry.entry(node_of(found, node).id).current is None:
            raise Trouble("not_provisioned", node=node)
        wanted = [one for one in found.nodes if node in (None, one.id) and registry.entry(one.id).current]
        credentials, network = Credentials(state, found.id), load_network(state)
        rows, reported = [], commissioning.reported_hashes(state)
        for one in wanted:
            new = settings_for(found, one, network, state, credentials.password)
            different = changes(handed_out(state, one.id), new)
            row = {"node": one.id, "hash": config_hash(new).hex(), "reports": reported.get(one.id)}
            if different:
                s.progress.say(s.words("settings.changed", node=one.id, count=len(different)))
                for change in different:
                    s.progress.say(f"      {change}")
                if push:
                    hand_out(state, new)
                    hardware = registry.entry(one.id).current
                    registry.note("settings changed", one.id, hardware.mac if hardware else "")
            else:
                applied = (
                    "same"
                    if not row["reports"]
                    else "applied"
                    if row["reports"] == row["hash"]
                    else "waiting"
                )
                told = row["reports"] if applied != "same" else row["hash"]
                s.progress.say(s.words(f"settings.{applied}", node=one.id, hash=told, wanted=row["hash"]))
            rows.append({**row, "changes": [str(change) for change in different]})
        hint = "settings.pushed" if push else "settings.push_hint"
        s.end(s.words(hint) if any(row["changes"] for row in rows) else "", nodes=rows, pushed=push)
