"""Every fault of the gateway is a condition, and a value that a rule watches."""

from dataclasses import replace
from pathlib import Path

import pytest

from device_configs.alert_schema import GATEWAY_KEYS
from device_configs.gateway_alerts import standard_rules
from gateway.store.conditions import Known, Room, Sync, conditions, values
from gateway.store.salvage import Salvaged
from gateway.store.store import Trouble

WELL = Known(room=Room(100, 80, 8, 1000, 500, 10), outage_hours_left=500.0, sync=Sync(3))
SALVAGED = Salvaged(Path("store.db.damaged-7"), 9, 2, "malformed")


def alerting(known: Known) -> set[str]:
    """The standard rules whose limit is passed."""
    found = values(known)
    told = [(rule, value) for rule in standard_rules() if (value := found[rule.key]) is not None]
    over = {rule.id for rule, value in told if rule.above is not None and value > rule.above}
    return over | {rule.id for rule, value in told if rule.below is not None and value < rule.below}


def test_all_is_well() -> None:
    assert conditions(WELL) == []
    assert set(values(WELL)) == set(GATEWAY_KEYS)
    assert alerting(WELL) == set()
    assert alerting(Known()) == set()  # nothing is known yet


@pytest.mark.parametrize(
    ("known", "names", "rules"),
    [
        (replace(WELL, durable=False), ["memory_only"], {"gateway-in-memory"}),
        (replace(WELL, trouble=Trouble.FULL), ["disk_full"], {"gateway-disk-full"}),
        (replace(WELL, room=Room(9, 9, 9, 100, 0, lost=4), lost=7), ["losing"], {"gateway-losing"}),
        (replace(WELL, room=Room(9, 9, 61, 100, 0)), ["watermark"], {"gateway-store-filling"}),
        (replace(WELL, outage_hours_left=71.5), [], {"gateway-outage-room"}),
        (replace(WELL, outage_hours_left=1.0, sync=None), [], set()),  # nobody waits for a database
        (replace(WELL, sync=Sync(30_000)), [], {"gateway-unsynced"}),
        (replace(WELL, sync=Sync(9, "401: unauthorized")), [], {"gateway-sync-held"}),
        (replace(WELL, sync=Sync(9, quarantined=2)), [], {"gateway-quarantine"}),
        (replace(WELL, sync=Sync(9, quarantined=0)), [], set()),
        (replace(WELL, salvaged=SALVAGED), ["salvaged"], {"gateway-store-damaged"}),
        (replace(WELL, damaged_chunks=3), ["damaged_chunks"], {"gateway-store-damaged"}),
        (replace(WELL, open_days=[(11, 0, 5), (12, 0, 1)]), ["ledger_open"], {"gateway-ledger-open"}),
    ],
)
def test_each_trouble_is_told(known: Known, names: list[str], rules: set[str]) -> None:
    assert [condition.name for condition in conditions(known)] == names
    assert alerting(known) == rules


def test_the_texts_say_how_much() -> None:
    text = {c.name: c.text for c in conditions(replace(WELL, open_days=[(11, 0, 5), (12, 0, 1)]))}
    assert text == {"ledger_open": "6 records are unaccounted for, of node 11, 12"}
    assert values(replace(WELL, room=Room(9, 9, 61, 100, 0)))["unsynced_percent"] == 61
