from typing import Any

import pytest
from pydantic import ValidationError

from device_configs.alert_schema import Recipient, Rule, Wording

RULE = {
    "id": "r", "name": "R", "priority": "alarm", "profile": "intake", "key": "up_level_mm", "above": 5,
    "cause": "c", "consequence": "c", "action": "a", "respond_within_min": 30, "recipient": "x",
    "source": "s",
}  # fmt: skip


@pytest.mark.parametrize(
    "key", ["action", "respond_within_min", "cause", "consequence", "source", "recipient"]
)
def test_a_rule_asks_someone_to_do_something(key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        Rule.model_validate({name: value for name, value in RULE.items() if name != key})


def test_a_rule_has_a_limit_and_nodes() -> None:
    assert Rule.model_validate(RULE).verified_by is None
    with pytest.raises(ValidationError, match="say either `profile` or `nodes`, or"):
        Rule.model_validate({**RULE, "nodes": (1,)})
    with pytest.raises(ValidationError, match="a limit is missing"):
        Rule.model_validate({**RULE, "above": None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rise_per_h": 5}, "`above` and `rise_per_h` are two conditions"),
        ({"above": None, "rise_per_h": 5, "silent_for_s": 600}, "are two conditions"),
        ({"above": None, "difference_above": 5}, "`difference_above` and `minus` go together"),
        ({"minus": "down_level_mm"}, "go together"),
        ({"above": None, "increase_over_h": 3}, "go together"),
        ({"above": None, "increase_over_h": 2, "increase_above": 50}, "Input should be 1, 3 or 24"),
        ({"excess_loss_mm": 200}, "`excess_loss_mm` goes with `signature`"),
        ({"n_of_m": (3, 2)}, "n at most m"),
        ({"n_of_m": (0, 2)}, "n at most m"),
        ({"escalate_to": "x"}, "needs `escalate_after_min`"),
        ({"above": None, "signature": ("clogging",), "at_node": True}, "a node can check nothing else"),
        ({"above": None, "signature": ()}, "at least 1 item"),
        ({"above": None, "signature": ("leaves",)}, "Input should be 'flood'"),
    ],
)
def test_rules_that_can_not_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Rule.model_validate({**RULE, **changes})


@pytest.mark.parametrize(
    "condition",
    [
        {"difference_above": 150, "minus": "down_level_mm"},
        {"soffit_above_percent": 80},
        {"increase_over_h": 24, "increase_above": 100},
        {"callout_over_h": 24},
        {"load_above_percent": 60},
        {"signature": ("clogging", "ice_risk")},
        {"silent_for_s": 7200},
    ],
)
def test_one_condition_is_enough(condition: dict[str, Any]) -> None:
    assert Rule.model_validate({**RULE, "above": None, **condition}).above is None


def test_a_rule_for_the_gateway_watches_one_of_its_values() -> None:
    rule = {**{k: v for k, v in RULE.items() if k != "profile"}, "gateway": True, "key": "disk_full"}
    assert Rule.model_validate(rule).gateway
    for changes, message in (
        ({"key": "up_level_mm"}, "the gateway has no value `up_level_mm`"),
        ({"nodes": (11,)}, "say either"),
        ({"above": None, "silent_for_s": 600}, "a value `above` or `below` a limit"),
        ({"n_of_m": (2, 3)}, "a value `above` or `below` a limit"),
    ):
        with pytest.raises(ValidationError, match=message):
            Rule.model_validate({**rule, **changes})


def test_texts_in_another_language() -> None:
    english = Wording(name="n", cause="c", consequence="q", action="a")
    assert Rule.model_validate({**RULE, "en": english}).texts("en").name == "n"
    assert Rule.model_validate({**RULE, "en": english}).texts("nb").name == "R"
    assert Rule.model_validate(RULE).texts("en").name == "R"


def test_alarms_have_no_quiet_hours() -> None:
    assert Recipient.model_validate({"id": "r", "role": "R", "quiet": {"warning": "22:00-06:00"}}).quiet
    for quiet in (
        {"alarm": "22:00-06:00"},
        {"info": "22-06"},
        {"info": "22:00-22:00"},
        {"info": "24:00-06:00"},
    ):
        with pytest.raises(ValidationError):
            Recipient.model_validate({"id": "r", "role": "R", "quiet": quiet})
