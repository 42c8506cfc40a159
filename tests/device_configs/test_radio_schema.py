"""Radio settings are held against the law before a node gets them."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from device_configs.radio_schema import Lora

PLAIN = {"frequency_khz": 869525, "spreading_factor": 9, "bandwidth_khz": 125, "power_dbm": 14}


def lora(**changes: Any) -> Lora:
    return Lora.model_validate_json(json.dumps({**PLAIN, **changes}))


def test_what_a_node_is_told() -> None:
    told = lora(frequency_khz=868100, channels_khz=[868300, 867100]).node_settings()
    assert told == {
        "channels_khz": [868100, 868300, 867100], "spreading_factor": 9, "fallback_spreading_factor": None,
        "bandwidth_khz": 125, "power_dbm": 14, "downlink_khz": 869525, "answer_delay_ms": 1000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frequency_khz": 868650}, "868650 kHz ± 62.5 kHz .an uplink. lies in no sub-band"),
        ({"downlink_khz": 869420, "bandwidth_khz": 250}, "869420 kHz ± 125 kHz .the answers. lies in no"),
        (
            {"frequency_khz": 868100, "power_dbm": 20},
            "20 dBm on 868100 kHz .an uplink.: the law allows 14 dBm",
        ),
        ({"channels_khz": [869525]}, "names a frequency twice"),
        ({"fallback_spreading_factor": 9}, "has to be higher"),
        ({"spreading_factor": 6}, "greater than or equal to 7"),
    ],
)
def test_what_the_law_or_sense_forbids(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        lora(**changes)


def test_more_power_where_it_is_allowed() -> None:
    assert lora(power_dbm=22, downlink_power_dbm=27).power_dbm == 22
