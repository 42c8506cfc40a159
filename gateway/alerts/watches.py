"""Which rule watches what at which node: a site's rules, tied to its nodes. Pure."""

from dataclasses import dataclass

from device_configs.alert_schema import Rule
from device_configs.model import Node, Site
from device_configs.site_schema import IntakeGeometry, SnowGeometry
from gateway.alerts.signals import (
    Callout,
    Difference,
    Increase,
    OfGateway,
    Percent,
    Plain,
    RateOfRise,
    RoofLoad,
    Signal,
    SignatureOf,
    Silence,
)
from gateway.alerts.state import Terms
from gateway.hydrology.grate import CleanGrate, fit_clean
from gateway.hydrology.rating import Gauging, fit
from gateway.hydrology.signature import Limits

WatchId = tuple[str, int]  # rule, node
GATEWAY = 0
MISSED = 3  # records in a row, after which there is no data
GRACE_S = 60


class BadCurve(ValueError):
    """No curve goes through what was measured at an intake; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway itself, in the place of a node. No node has this number."""

    place: str
    name: str = "Gateway"
    id: int = GATEWAY


@dataclass(frozen=True, slots=True)
class Watch:
    """One rule at one node, or at the gateway."""

    rule: Rule
    node: Node | Gateway
    terms: Terms
    signal: Signal

    @property
    def id(self) -> WatchId:
        return self.rule.id, self.node.id


def watches(site: Site) -> list[Watch]:
    """Return every watch of the site, those that inhibit others before the ones they inhibit.

    Raises BadCurve.
    """
    rules = {rule.id: rule for rule in site.rules}
    ordered = sorted(site.rules, key=lambda rule: _depth(rule, rules, frozenset()))
    home = Gateway(site.name)
    found = []
    for rule in ordered:
        if rule.gateway:
            found.append(Watch(rule, home, _terms(rule, None), OfGateway(rule.key)))
            continue
        found += [
            Watch(rule, node, _terms(rule, node), _signal(rule, node))
            for node in site.nodes
            if rule.profile == node.profile.name or node.id in rule.nodes
        ]
    return found


def _depth(rule: Rule, rules: dict[str, Rule], seen: frozenset[str]) -> int:
    above = (rules[name] for name in rule.inhibited_by if name in rules and name not in seen)
    return max((1 + _depth(other, rules, seen | {rule.id}) for other in above), default=0)


def _terms(rule: Rule, node: Node | None) -> Terms:
    n, m = rule.n_of_m
    above: float | None = rule.above
    for limit in (
        rule.rise_per_h,
        rule.difference_above,
        rule.soffit_above_percent,
        rule.increase_above,
        rule.load_above_percent,
        rule.silent_for_s,
    ):
        above = limit if above is None else above
    if rule.callout_over_h is not None:
        above = 99.5  # percent: what is asked for calls already
    if rule.signature is not None:
        above = 0.5
    missed_s = None
    if node is not None and rule.silent_for_s is None:
        missed_s = MISSED * node.interval_s + (node.profile.batch_s or 0) + GRACE_S
    return Terms(
        above,
        rule.below,
        rule.deadband,
        rule.on_delay_s,
        rule.off_delay_s,
        n,
        m,
        rule.latching,
        missed_s,
        None if rule.escalate_after_min is None else 60 * rule.escalate_after_min,
    )


def clean_grate(geometry: IntakeGeometry) -> CleanGrate | None:
    """Return what loss a clean grate has, as far as it has been measured. Raises NoCurve and ValueError."""
    if not geometry.gaugings:
        return None
    rating = fit(
        [
            Gauging(g.down_mm, g.discharge_l_per_s, g.discharge_l_per_s * g.uncertainty_percent / 100)
            for g in geometry.gaugings
        ]
    )
    if not geometry.clean_levels:
        return CleanGrate(rating)
    return fit_clean([(pair.up_mm, pair.down_mm) for pair in geometry.clean_levels], rating)


def _signal(rule: Rule, node: Node) -> Signal:
    geometry = node.geometry
    if rule.rise_per_h is not None:
        return RateOfRise(rule.key)
    if rule.minus is not None:
        return Difference(rule.key, rule.minus)
    if rule.soffit_above_percent is not None:
        assert isinstance(geometry, IntakeGeometry)  # the loader has refused such a site
        return Percent(rule.key, geometry.invert_mm, geometry.soffit_mm)
    if rule.increase_over_h is not None:
        return Increase(rule.key, rule.increase_over_h)
    if rule.callout_over_h is not None:
        return Callout(rule.key, rule.callout_over_h)
    if rule.load_above_percent is not None:
        assert isinstance(geometry, SnowGeometry)
        assert geometry.design_load_kg_per_m2 is not None
        return RoofLoad(rule.key, geometry.design_load_kg_per_m2)
    if rule.signature is not None:
        assert isinstance(geometry, IntakeGeometry)
        limits = Limits() if rule.excess_loss_mm is None else Limits(clog_mm=rule.excess_loss_mm)
        try:
            return SignatureOf(rule.signature, clean_grate(geometry), limits)
        except ValueError as error:
            raise BadCurve(f"node {node.id}, {node.name}: `gaugings` and `clean_levels`: {error}") from error
    if rule.silent_for_s is not None:
        return Silence(rule.key)
    return Plain(rule.key)
