"""What is written as line protocol reads back as what was meant."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.line_protocol import Unspeakable, encoder, worst
from device_configs.catalog import builtin_catalog
from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from device_configs.site_schema import Calibration, Contact
from gateway.model import Reading, StoredRecord
from gateway.readings import readings
from gateway.store import stretches_of
from tests.cloud_sync.doubles import line, record
from wire import quantities

NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\\\u2028\u2029"),
    min_size=1,
    max_size=20,
).filter(lambda name: name[0] not in "#_")
VALUES = st.none() | st.integers(-(2**63), 2**63 - 1)


def split(text: str, separator: str, most: int = -1) -> list[str]:
    """Split at a character that no backslash precedes."""
    parts, part, escaped = [], "", False
    for character in text:
        if escaped or character != separator or most == 0:
            part += character
            escaped = character == "\\" and not escaped
        else:
            parts.append(part)
            part, most = "", most - 1
    return [*parts, part]


def unescape(text: str) -> str:
    return text.replace("\\,", ",").replace("\\ ", " ").replace("\\=", "=")


def parse(text: str) -> tuple[str, dict[str, str], dict[str, int], int]:
    """Read one line by the line protocol's reference: (measurement, tags, integer fields, time)."""
    assert "\n" not in text
    series, fields, time = split(text, " ")
    measurement, *tags = split(series, ",")

    def pairs(parts: list[str]) -> list[tuple[str, str]]:
        found = []
        for part in parts:
            key, value = split(part, "=")
            found.append((unescape(key), unescape(value)))
        return found

    numbers = {}
    for key, value in pairs(split(fields, ",")):
        assert value.endswith("i")
        numbers[key] = int(value[:-1])
    return measurement.replace("\\,", ",").replace("\\ ", " "), dict(pairs(tags)), numbers, int(time)


def test_one_record_is_one_line() -> None:
    values = [Reading("depth_mm", 512, "mm", 1, 0), Reading("air_temp_cc", None, "Cel", 0.01, 1)]
    assert line(record(8), "narvik-demo", "snow", values) == (
        "snow,node=11,site=narvik-demo seq=7i,q=0i,epoch=305419896i,depth_mm=512i 1700000008"
    )


@given(
    measurement=NAMES.filter(lambda name: "=" not in name),
    site=NAMES,
    fields=st.dictionaries(NAMES.filter(lambda name: name not in {"seq", "q", "epoch"}), VALUES, max_size=8),
    seq=st.integers(0, 2**32 - 1),
    time=st.integers(0, 2**33),
)
def test_it_reads_back(
    measurement: str, site: str, fields: dict[str, int | None], seq: int, time: int
) -> None:
    stored = replace(record(1), seq=seq, measured_at_s=time)
    text = line(stored, site, measurement, [Reading(k, v, "1", 1, 0) for k, v in fields.items()])
    present = {key: value for key, value in fields.items() if value is not None}
    expected = {"seq": seq, "q": 0, "epoch": stored.epoch, **present}
    assert parse(text) == (measurement, {"node": "11", "site": site}, expected, time)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_text_either_reads_back_or_is_refused(measurement: str, site: str, key: str) -> None:
    try:
        text = line(record(1), site, measurement, [Reading(f"k{key}", 1, "1", 1, 0)])
    except Unspeakable:
        return
    assert len(text.splitlines()) == 1
    found, tags, numbers, _ = (
        parse(text) if "=" not in measurement else (measurement, {"site": site}, {f"k{key}": 1}, 0)
    )
    assert (found, tags["site"], numbers[f"k{key}"]) == (measurement, site, 1)


@pytest.mark.parametrize(
    "name", ["", "two\nlines", "tab\t", "back\\slash", "#comment", "_internal", "\x00", "\u2028"]
)
def test_a_name_without_an_escape_is_refused(name: str) -> None:
    with pytest.raises(Unspeakable, match="line protocol"):
        line(record(1), name, "snow", [])


def test_a_number_beyond_64_bits_is_refused() -> None:
    profile = builtin_catalog().profiles["intake"]
    channel = next(c for c in profile.channels if c.derived is not None)
    steep = _calibration(channel.name, value1=2**40)
    stored = replace(_record_of("intake"), values=(2**40,) * len(profile.channels))
    with pytest.raises(Unspeakable, match="does not fit a 64-bit integer"):
        encoder(_site((steep,)))(*stretches_of([stored]))


def test_worst_quality() -> None:
    assert worst(()) == quantities.OK
    assert worst((quantities.OK, quantities.MISSING)) == quantities.MISSING
    assert worst((quantities.MISSING, quantities.ESTIMATED, quantities.OK)) == quantities.ESTIMATED
    assert worst((quantities.ESTIMATED, quantities.FAULT, quantities.FROZEN)) == quantities.FAULT
    assert worst((quantities.FAULT, 77)) == 77


def test_every_quality_code_has_its_place() -> None:
    codes = range(len(quantities.QUALITY_NAMES))
    assert sorted(codes, key=lambda code: worst((code,))) == list(codes)
    assert all(worst((quantities.OK, code)) == code for code in codes)
    assert all(worst((code, quantities.FAULT)) == quantities.FAULT for code in codes)


def _site(calibration: tuple[Calibration, ...] = ()) -> Site:
    catalog = builtin_catalog()
    node = Node(
        id=11,
        name="up-1",
        place="a brook",
        latitude=68.4,
        longitude=17.4,
        profile=catalog.profiles["intake"],
        board=next(iter(catalog.boards)),
        carrier="mqtt",
        interval_s=600,
        calibration=calibration,
    )
    return Site(
        id="narvik-demo",
        name="Narvik",
        demo=True,
        timezone="Europe/Oslo",
        latitude=68.4,
        longitude=17.4,
        gateway_id=b"gate",
        languages=("nb",),
        contact=Contact(role="Duty officer"),
        nodes=(node,),
        catalog=catalog,
    )


def _calibration(channel: str, value1: int = 1) -> Calibration:
    return Calibration(
        channel=channel,
        revision=1,
        valid_from=datetime(2023, 1, 1, tzinfo=UTC),
        raw0=0,
        value0=0,
        raw1=2,
        value1=value1,
        source="bench",
    )


def _record_of(profile: str, node: int = 11) -> StoredRecord:
    found = builtin_catalog().profiles[profile]
    count = len(found.channels)
    return replace(
        record(1, node=node),
        schema_id=found.schema_id,
        values=tuple(range(4000, 4000 + count)),
        quality=(0,) * count,
    )


def test_raw_and_calibrated_values_by_their_keys() -> None:
    profile = builtin_catalog().profiles["intake"]
    channel = next(c for c in profile.channels if c.derived is not None)
    assert channel.derived is not None
    calibration = _calibration(channel.name)
    stored = _record_of("intake")
    measurement, tags, fields, time = parse(*encoder(_site((calibration,)))(*stretches_of([stored])))
    raw = dict(zip((c.key for c in profile.channels), stored.values, strict=True))
    assert (measurement, tags, time) == (
        "intake",
        {"node": "11", "site": "narvik-demo"},
        stored.measured_at_s,
    )
    assert raw.items() <= fields.items()
    assert fields[channel.derived.name] == 2000  # half of the raw 4000
    assert fields.keys() == {"seq", "q", "epoch", *raw, channel.derived.name}


def test_a_record_of_an_earlier_profile_stays_that_profiles() -> None:
    other = next(name for name in builtin_catalog().profiles if name != "intake")
    assert parse(*encoder(_site())(*stretches_of([_record_of(other)])))[0] == other


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (_record_of("intake", node=99), "node 99 is not in nodes.yaml"),
        (replace(_record_of("intake"), schema_id=250), "schema id 250"),
        (replace(_record_of("intake"), values=(1,), quality=(0,)), "with 1 values"),
    ],
)
def test_what_the_configuration_does_not_know_is_refused_in_words(stored: StoredRecord, said: str) -> None:
    with pytest.raises(Unspeakable, match=said):
        encoder(_site())(*stretches_of([stored]))


SITE_OF_DEMO = load_site(SITES / "narvik-demo")
REVISED = datetime(2024, 6, 1, tzinfo=UTC)


def _revised(node: Node) -> Node:
    """The node with a corrected zero since REVISED."""
    again = [
        c.model_copy(update={"revision": c.revision + 1, "value0": c.value0 + 70, "valid_from": REVISED})
        for c in node.calibration
    ]
    return replace(node, calibration=(*node.calibration, *again))


SITE_REVISED = replace(SITE_OF_DEMO, nodes=tuple(map(_revised, SITE_OF_DEMO.nodes)))
TIMES_S = st.integers(1_500_000_000, 1_900_000_000) | st.integers(-3, 3).map(
    lambda n: int(REVISED.timestamp()) + n
)
ORDINARY = st.none() | st.integers(-(10**9), 10**12) | st.just(0)
EXTREME = ORDINARY | st.integers(-(2**63), 2**63 - 1)


@given(st.data(), st.sampled_from(SITE_REVISED.nodes), st.booleans())
def test_lines_made_from_columns_are_those_made_value_by_value(
    data: st.DataObject, node: Node, extreme: bool
) -> None:
    count = len(node.profile.channels)
    values = st.tuples(*[EXTREME if extreme else ORDINARY] * count)
    marks = st.tuples(*[st.sampled_from([0, 0, 1, 7, 9])] * count)
    rows = data.draw(st.lists(st.tuples(values, marks, TIMES_S), min_size=1))
    records = [
        replace(
            record(i + 1),
            node=node.id,
            schema_id=node.profile.schema_id,
            values=values,
            quality=quality,
            measured_at_s=at_s,
        )
        for i, (values, quality, at_s) in enumerate(rows)
    ]
    (stretch,) = stretches_of(records)
    try:
        expected = [line(r, SITE_REVISED.id, node.profile.name, readings(r, node)) for r in records]
    except Unspeakable:
        with pytest.raises(Unspeakable, match="64-bit"):
            encoder(SITE_REVISED)(stretch)
    else:
        assert encoder(SITE_REVISED)(stretch) == expected


def test_lines_byte_for_byte() -> None:
    """As they have been written since the first version: anything else would make new points."""
    profile = next(node for node in SITE_OF_DEMO.nodes if node.id == 11).profile
    rows = [
        ((8000, 7200, 412, None, 3900), (0, 0, 0, 1, 0), 1_795_000_000),
        ((8016, 7200, None, -1250, 3900), (0, 0, 9, 0, 0), 1_795_000_600),
    ]
    stretch = stretches_of(
        replace(record(i + 1), schema_id=profile.schema_id, values=v, quality=q, measured_at_s=at_s)
        for i, (v, q, at_s) in enumerate(rows)
    )
    assert encoder(SITE_OF_DEMO)(*stretch) == [
        "intake,node=11,site=narvik-demo seq=0i,q=1i,epoch=305419896i,up_loop_ua=8000i,down_loop_ua=7200i,"
        "water_temp_cc=412i,battery_voltage_mv=3900i,up_level_mm=550i,down_level_mm=500i,"
        "water_corrected_temp_cc=400i 1795000000",
        "intake,node=11,site=narvik-demo seq=1i,q=9i,epoch=305419896i,up_loop_ua=8016i,down_loop_ua=7200i,"
        "air_temp_cc=-1250i,battery_voltage_mv=3900i,up_level_mm=553i,down_level_mm=500i 1795000600",
    ]
