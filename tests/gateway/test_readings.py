"""Raw and calibrated values of a record, by figures worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_configs.loader import load_site
from device_configs.model import Node
from device_configs.site_schema import Calibration
from gateway.model import Reading, StoredRecord
from gateway.readings import WrongSchema, apply, apply_to_column, readings

SITE = Path(__file__).parents[2] / "device_configs" / "sites" / "narvik-demo"
DAY = 86_400
MAY_S = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp())


def line(
    revision: int, valid_from_s: int = MAY_S, *, channel: str = "up", value0: int = 0, value1: int = 5000
) -> Calibration:
    """A 4-20 mA level transmitter: 0 to 5 m unless told otherwise."""
    return Calibration(
        channel=channel,
        revision=revision,
        valid_from=datetime.fromtimestamp(valid_from_s, UTC),
        raw0=4000,
        value0=value0,
        raw1=20_000,
        value1=value1,
        source="a ruler in the brook",
    )


@pytest.fixture(scope="module")
def intake() -> Node:
    site = load_site(SITE)
    node = next(node for node in site.nodes if node.profile.name == "intake")
    return replace(node, calibration=())


def record(node: Node, at_s: int = MAY_S + DAY, **changed: int | None) -> StoredRecord:
    """All values 100 and ok, but for `changed`, by channel; None is a fault of the sensor."""
    channels = node.profile.channels
    values = tuple(changed.get(channel.name, 100) for channel in channels)
    quality = tuple(0 if value is not None else 2 for value in values)
    schema_id = node.profile.schema_id
    return StoredRecord(
        1, node.id, 1, 1, at_s, 2000, at_s * 1000, schema_id, values, quality, "mqtt", None, None, False
    )


def level(node: Node, at_s: int = MAY_S + DAY, raw: int | None = 12_000) -> Reading | None:
    found = [r for r in readings(record(node, at_s, up=raw), node) if r.key == "up_level_mm"]
    return found[0] if found else None


def test_raw_readings_in_the_order_of_the_channels(intake: Node) -> None:
    found = readings(record(intake, up=12_034), intake)
    assert [r.key for r in found] == [channel.key for channel in intake.profile.channels]
    first = found[0]
    assert first == Reading("up_loop_ua", 12_034, "uA", 1, 0, calibrated=False, revision=0)


def test_a_calibration_is_a_straight_line(intake: Node) -> None:
    # 12 mA is the middle of 4..20 mA: 2.5 m.
    node = replace(intake, calibration=(line(1),))
    assert level(node) == Reading("up_level_mm", 2500, "mm", 1, 0, calibrated=True, revision=1)
    assert level(node, raw=4003) == Reading("up_level_mm", 1, "mm", 1, 0, calibrated=True, revision=1)


def test_before_the_first_calibration_there_is_no_level(intake: Node) -> None:
    node = replace(intake, calibration=(line(1),))
    assert level(node, MAY_S - 1) is None
    assert level(node, MAY_S) is not None


def test_another_channels_calibration_is_none(intake: Node) -> None:
    assert level(replace(intake, calibration=(line(1, channel="down"),))) is None


def test_a_fault_stays_a_fault(intake: Node) -> None:
    found = level(replace(intake, calibration=(line(1),)), raw=None)
    assert found == Reading("up_level_mm", None, "mm", 1, 2, calibrated=True, revision=1)


def test_the_sensor_was_moved_and_later_a_wrong_zero_found(intake: Node) -> None:
    mounted, moved = line(1), line(2, MAY_S + 10 * DAY, value0=300, value1=5300)
    node = replace(intake, calibration=(moved, mounted))

    def revisions(node: Node) -> list[int]:
        found = [level(node, MAY_S + days * DAY) for days in (0, 9, 10, 20)]
        return [r.revision for r in found if r is not None]

    assert revisions(node) == [1, 1, 2, 2]
    # Corrected for the past: one revision for each span of time.
    first, second = line(3, value0=20, value1=5020), line(4, MAY_S + 10 * DAY, value0=320, value1=5320)
    assert revisions(replace(node, calibration=(mounted, moved, first, second))) == [3, 3, 4, 4]
    # The highest revision counts from where it is valid, whatever began later with a lower one.
    assert revisions(replace(node, calibration=(mounted, moved, first))) == [3, 3, 3, 3]


def test_a_record_of_another_profile_is_not_guessed_at(intake: Node) -> None:
    good = record(intake)
    with pytest.raises(WrongSchema, match="Give the node the profile it reported with"):
        readings(replace(good, schema_id=200), intake)
    with pytest.raises(WrongSchema, match="with 1 values"):
        readings(replace(good, values=(1,), quality=(0,)), intake)


@given(
    st.tuples(st.integers(0, 32_767), st.integers(0, 32_767)).filter(lambda raw: raw[0] != raw[1]),
    st.tuples(st.integers(-32_768, 32_767), st.integers(-32_768, 32_767)).filter(lambda v: v[0] != v[1]),
    st.integers(0, 32_767),
)
def test_the_nearest_integer(raw: tuple[int, int], value: tuple[int, int], at: int) -> None:
    calibration = line(1).model_copy(
        update={"raw0": raw[0], "raw1": raw[1], "value0": value[0], "value1": value[1]}
    )
    exact = value[0] + (at - raw[0]) * (value[1] - value[0]) / (raw[1] - raw[0])
    assert abs(apply(calibration, at) - exact) <= 0.5 + 1e-6
    assert apply(calibration, raw[0]) == value[0]
    assert apply(calibration, raw[1]) == value[1]
    assert apply_to_column(calibration, [at, None, *raw]) == [apply(calibration, at), None, *value]
