"""Checks of alerts.yaml against itself, the nodes and the catalog, after each rule alone is right."""

from collections.abc import Iterator, Sequence

from device_configs.alert_schema import Rule
from device_configs.catalog import Catalog
from device_configs.gateway_alerts import standard_rules
from device_configs.problem import Problem, did_you_mean
from device_configs.site_schema import IntakeGeometry, NodeEntry, SnowGeometry
from device_configs.source import Document, Place

AIR_KEY = "air_temp_cc"
UP_KEY, DOWN_KEY = "up_level_mm", "down_level_mm"
Placed = Sequence[tuple[Place, NodeEntry]]


def check_rules(
    document: Document, rules: Sequence[tuple[Place, Rule]], nodes: Document, placed: Placed, catalog: Catalog
) -> Iterator[Problem]:
    """Yield what does not fit together in alerts.yaml, or with the nodes."""
    roles, known = document.ids("recipients"), set(document.ids("rules") or ())
    known |= {rule.id for rule in standard_rules()}
    for place, rule in rules:
        for field in ("recipient", "escalate_to"):
            name = getattr(rule, field)
            if name is not None and roles is not None and name not in roles:
                hint = did_you_mean(name, map(str, roles))
                yield document.problem((*place, field), f"unknown recipient `{name}`", hint)
        for i, name in enumerate(rule.inhibited_by):
            if name not in known or name == rule.id:
                itself = name == rule.id
                message = "a rule can not inhibit itself" if itself else f"there is no rule `{name}`"
                hint = None if itself else did_you_mean(name, map(str, known))
                yield document.problem((*place, "inhibited_by", i), message, hint)
        yield from _check_nodes(document, place, rule, nodes, placed, catalog)


def _check_nodes(
    document: Document, place: Place, rule: Rule, nodes: Document, placed: Placed, catalog: Catalog
) -> Iterator[Problem]:
    listed = nodes.ids("nodes")
    for i, number in enumerate(rule.nodes):
        if listed is not None and number not in listed:
            yield document.problem((*place, "nodes", i), f"nodes.yaml has no node {number}")
    watched = [node for _, node in placed if node.id in rule.nodes or node.profile == rule.profile]
    profiles = {rule.profile} if rule.profile else {node.profile for node in watched}
    for name in sorted(profiles):
        keys = catalog.profiles[name].keys
        for field, key in _keys(rule):
            if key not in keys:
                message = f"profile `{name}` has no value `{key}`"
                yield document.problem((*place, field), message, did_you_mean(key, keys))
    for node in watched:
        for field in ("soffit_above_percent", "signature"):
            if getattr(rule, field) is not None and not isinstance(node.geometry, IntakeGeometry):
                message = f"node {node.id} is no intake: its `geometry` describes no culvert and no grate"
                yield document.problem((*place, field), message)
        if rule.load_above_percent is not None and (
            not isinstance(node.geometry, SnowGeometry) or node.geometry.design_load_kg_per_m2 is None
        ):
            message = f"the `geometry` of node {node.id} does not say what its roof is designed for"
            hint = "give it `design_load_kg_per_m2` from the building's papers, or name other `nodes`"
            yield document.problem((*place, "load_above_percent"), message, hint)


def _keys(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the values the rule needs, with the field that asks for each."""
    yield "key", rule.key
    if rule.minus is not None:
        yield "minus", rule.minus
    if rule.signature is not None:
        yield from (("signature", key) for key in (UP_KEY, DOWN_KEY))
    if rule.callout_over_h is not None:
        yield "callout_over_h", AIR_KEY
