import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from device_configs.import_schema import Mapping, load_mapping
from device_configs.problem import ConfigError

PLAIN = {
    "source": "s", "kind": "intervals", "timezone": "UTC", "interval_min": 60,
    "columns": {"start": "a", "value": "b"}, "target": {"building": "x"},
}  # fmt: skip
POINT = {"start": "a", "value": "b", "point": "c"}


def mapping(**changes: Any) -> Mapping:
    return Mapping.model_validate_json(json.dumps({**PLAIN, **changes}))


@pytest.mark.parametrize(
    ("changes", "per_unit"),
    [({}, 1000), ({"unit": "MWh"}, 1_000_000), ({"unit": "Wh", "factor": 30}, 30),
     ({"unit": "l", "kwh_per_unit": 9.5, "target": {"building": "x", "carrier": "oil"}}, 9500),
     ({"unit": "m3", "target": {"building": "x", "carrier": "water"}}, 1000)],
)  # fmt: skip
def test_what_one_unit_is(changes: dict[str, Any], per_unit: float) -> None:
    assert mapping(**changes).per_unit == per_unit


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": None}, "say either `target`"),
        ({"columns": POINT}, "say either `target`"),
        ({"columns": POINT, "target": None}, "`points` and the column `point` go together"),
        ({"interval_min": None}, "either a column `end` or `interval_min`"),
        ({"quality": {"ok": "measured"}}, "`quality` and the column `quality` go together"),
        ({"unit": "l"}, "`electricity` can not be in l"),
        ({"unit": "Cel"}, "`electricity` can not be in Cel"),
        ({"target": {"temperature": "t"}}, "`t` can not be in kWh"),
        ({"target": {"building": "x", "carrier": "water"}}, "`water` can not be in kWh"),
        ({"target": {"building": "x", "temperature": "t"}}, "say either `building` or `temperature`"),
        ({"delimiter": ";;"}, "a single character"),
    ],
)
def test_mappings_that_can_not_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        mapping(**changes)


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "elhub.yaml"
    file.write_text(json.dumps(PLAIN))
    assert load_mapping(file).target == mapping().target
    file.write_text(json.dumps({**PLAIN, "colums": {}}))
    with pytest.raises(ConfigError, match="unknown key `colums`"):
        load_mapping(file)
