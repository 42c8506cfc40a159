"""The rules every site has for the gateway itself: gateway_alerts.yaml."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from device_configs.alert_schema import Recipient, Rule
from device_configs.problem import ConfigError
from device_configs.source import read_yaml
from device_configs.validate import entries

FILE = Path(__file__).with_name("gateway_alerts.yaml")


class StandardRule(Rule):
    """A rule that leaves open who is told."""

    recipient: Annotated[str, Field(max_length=0)] = ""
    """Comes from the site."""


@lru_cache(maxsize=1)
def standard_rules() -> tuple[StandardRule, ...]:
    """Return the rules as this version has them. Raises ConfigError."""
    document, problems = read_yaml(FILE)
    found, wrong = entries(document, "rules", StandardRule)
    if problems or wrong:
        raise ConfigError([*problems, *wrong])
    return tuple(rule for _, rule in found)


def with_gateway(rules: Sequence[Rule], recipients: Sequence[Recipient]) -> tuple[Rule, ...]:
    """Return a site's rules and the standard ones that it has not put its own in the place of.

    A site that tells nobody anything gets none.
    """
    told = next((r for r in recipients if r.gateway), recipients[0] if recipients else None)
    if told is None:
        return tuple(rules)
    own = {rule.id for rule in rules}
    standard = (rule for rule in standard_rules() if rule.id not in own)
    return (*rules, *(Rule(**{**dict(rule), "recipient": told.id}) for rule in standard))
