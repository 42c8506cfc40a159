"""The gateway's own rules: complete, in both languages, and the site's own take their place."""

from pathlib import Path

import pytest

from device_configs import gateway_alerts
from device_configs.alert_schema import GATEWAY_KEYS, Recipient, Rule
from device_configs.gateway_alerts import standard_rules, with_gateway
from device_configs.loader import SITES, load_site
from device_configs.problem import ConfigError
from gateway.alerts.texts import SMS_MAX

VEI, DRIFT = Recipient(id="vei", role="Vei"), Recipient(id="drift", role="Drift", gateway=True)


def test_there_is_a_rule_for_each_value_in_both_languages() -> None:
    assert sorted(rule.key for rule in standard_rules()) == sorted(GATEWAY_KEYS)
    ids = {rule.id for rule in standard_rules()}
    for rule in standard_rules():
        assert rule.gateway
        assert rule.en is not None
        assert set(rule.inhibited_by) <= ids
        for language in ("nb", "en"):
            texts = rule.texts(language)
            assert len(f"Gateway: {texts.name}. {texts.action.split(',')[0]} innen 24 t. Svar 99") < SMS_MAX


def test_they_go_to_whom_the_site_says() -> None:
    assert {rule.recipient for rule in with_gateway((), (VEI, DRIFT))} == {"drift"}
    assert {rule.recipient for rule in with_gateway((), (VEI,))} == {"vei"}
    assert with_gateway((), ()) == ()


def test_the_sites_own_rule_takes_the_place_of_the_standard_one() -> None:
    own = Rule(**{**dict(standard_rules()[0]), "priority": "info", "recipient": "vei"})
    found = with_gateway((own,), (VEI, DRIFT))
    assert [rule.priority for rule in found if rule.id == own.id] == ["info"]
    assert len(found) == len(standard_rules())


def test_the_demonstration_has_them() -> None:
    rules = [rule for rule in load_site(SITES / "narvik-demo").rules if rule.gateway]
    assert {rule.recipient for rule in rules} == {"beredskap"}
    assert len(rules) == len(GATEWAY_KEYS)


def test_a_broken_file_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gateway_alerts.yaml"
    file.write_text(gateway_alerts.FILE.read_text().replace("disk_full", "disk_fulll"))
    monkeypatch.setattr(gateway_alerts, "FILE", file)
    with pytest.raises(ConfigError, match=r"(?s)gateway_alerts.yaml.*disk_fulll"):
        standard_rules.__wrapped__()
