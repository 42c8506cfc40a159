from datetime import date
from pathlib import Path

import pytest

from device_configs.problem import ConfigError
from device_configs.tariff import TARIFFS, Peak, Steps, load_tariffs, tariffs

PEAK = """\
name: town
title: Town
versions:
  - kind: peak
    valid_from: 2024-01-01
    kr_per_month: 100
    seasons:
      - {months: [1, 2, 3, 4, 11, 12], kr_per_kw: 90}
      - {months: [5, 6, 7, 8, 9, 10], kr_per_kw: 30}
    ore_per_kwh: 1
    source: invented
  - kind: steps
    valid_from: 2025-07-01
    peaks: 3
    different_days: true
    steps: [{from_kw: 0, kr_per_month: 10}, {from_kw: 5, kr_per_month: 20}]
    ore_per_kwh: 1
    source: invented
"""


def load(folder: Path, text: str) -> list[str]:
    (folder / "town.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_tariffs(folder)
    return [problem.message for problem in caught.value.problems]


def test_all_tariffs_of_this_version_are_good() -> None:
    assert set(tariffs()) == {file.stem for file in TARIFFS.glob("*.yaml")}


def test_a_version_holds_from_its_day_on(tmp_path: Path) -> None:
    (tmp_path / "town.yaml").write_text(PEAK)
    town = load_tariffs(tmp_path)["town"]
    assert town.at(date(2023, 12, 31)) is None
    assert isinstance(town.at(date(2025, 6, 30)), Peak)
    assert isinstance(town.at(date(2025, 7, 1)), Steps)
    first = town.versions[0]
    assert isinstance(first, Peak)
    assert [first.kr_per_kw(month) for month in (4, 5, 10, 11)] == [90, 30, 30, 90]


ONE_SEASON = "entry 1 of `versions`: each month has to be in exactly one of the seasons"


@pytest.mark.parametrize(
    ("replace", "by", "said"),
    [
        ("name: town", "name: city", "the file's name says `town`"),
        ("9, 10]", "9]", ONE_SEASON),
        ("9, 10]", "9, 10, 11]", ONE_SEASON),
        ("{from_kw: 0,", "{from_kw: 5,", "`steps`: the steps' `from_kw` have to rise, beginning with 0"),
        ("2025-07", "2023-07", "the file: `versions` have to be in order of `valid_from`, each day once"),
        ("kind: peak", "kind: flat", "`kind` can not be `flat`"),
        ("kr_per_kw: 90", "kr_per_kw: -90", "`kr_per_kw` -90 is too small: at least 0.0"),
    ],
)
def test_what_is_said_of_a_broken_tariff(tmp_path: Path, replace: str, by: str, said: str) -> None:
    assert load(tmp_path, PEAK.replace(replace, by)) == [said]


def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    assert len(load(tmp_path, "a: [")) == 1
