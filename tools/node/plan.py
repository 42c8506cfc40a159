"""What a site's nodes need before the first cable is plugged in: boards, sensors, orders. Pure."""

from collections import Counter
from typing import Any

from device_configs.model import Site
from tools.node.words import Words

WAYS = {"mqtt": "Wi-Fi", "lora": "LoRa"}


def plan_of(site: Site) -> dict[str, Any]:
    """Return the plan: nodes, parts with their numbers, and what has to be ordered from others."""
    parts: Counter[str] = Counter()
    for node in site.nodes:
        parts[site.catalog.boards[node.board].title] += 1
        for sensor in node.profile.sensors.values():
            parts[site.catalog.sensors[sensor].title] += 1
    bridge = site.lora.bridge if site.lora else None
    if bridge:
        parts[site.catalog.boards[bridge].title] += 1
    return {
        "site": site.id,
        "bridge": bridge,
        "nodes": [
            {
                "node": node.id,
                "name": node.name,
                "profile": node.profile.name,
                "board": node.board,
                "carrier": node.carrier,
            }
            for node in site.nodes
        ],
        "parts": dict(sorted(parts.items())),
        "han_orders": [node.name for node in site.nodes if "han" in node.profile.sensors.values()],
        "probes": sum("ds18b20" in node.profile.sensors.values() for node in site.nodes),
    }


def lines(plan: dict[str, Any], words: Words) -> list[str]:
    """Return the plan as people read it."""
    told = [words("plan.node", way=WAYS[node["carrier"]], **node) for node in plan["nodes"]]
    told += [words("plan.bridge", board=plan["bridge"])] if plan["bridge"] else []
    told += ["", words("plan.parts"), *(f"  {count} × {part}" for part, count in plan["parts"].items()), ""]
    told += [words("plan.han", name=name) for name in plan["han_orders"]]
    return told + ([words("plan.rom")] if plan["probes"] else [])
