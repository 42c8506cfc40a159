"""What is written as line protocol reads back as what was meant."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.line_protocol import Unspeakable, encoder, line, worst
from device_configs.catalog import builtin_catalog
from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from device_configs.site_schema import Calibration, Contact
from gateway.model import Reading, StoredRecord
from gateway.readings import readings
from tests.cloud_sync.doubles import record
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
    with pytest.raises(Unspeakable, match="64-bit"):
        line(record(1), "demo", "snow", [Reading("depth_mm", 2**63, "mm", 1, 0)])


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
    calibration = Calibration(
        channel=channel.name,
        revision=1,
        valid_from=datetime(2023, 1, 1, tzinfo=UTC),
        raw0=0,
        value0=0,
        raw1=2,
        value1=1,
        source="bench",
    )
    stored = _record_of("intake")
    measurement, tags, fields, time = parse(encoder(_site((calibration,)))(stored))
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
    assert parse(encoder(_site())(_record_of(other)))[0] == other


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
        encoder(_site())(stored)


SITE_OF_DEMO = load_site(SITES / "narvik-demo")
NODES = {node.id: node for node in SITE_OF_DEMO.nodes}
INT_OR_NOTHING = st.none() | st.integers(-(10**12), 10**12) | st.integers(-(2**63), 2**63 - 1)


@given(st.data(), st.sampled_from(sorted(NODES)), st.integers(1_500_000_000, 1_900_000_000))
def test_the_quick_way_writes_what_the_careful_one_does(data: st.DataObject, node_id: int, at_s: int) -> None:
    node = NODES[node_id]
    count = len(node.profile.channels)
    values = data.draw(st.tuples(*[INT_OR_NOTHING] * count))
    quality = data.draw(st.tuples(*[st.integers(0, 9)] * count))
    stored = replace(
        record(1),
        node=node_id,
        schema_id=node.profile.schema_id,
        values=values,
        quality=quality,
        measured_at_s=at_s,
    )
    encode = encoder(SITE_OF_DEMO)
    encode(replace(stored, values=(None,) * count))  # the first one of a node is made with care
    try:
        expected = line(stored, SITE_OF_DEMO.id, node.profile.name, readings(stored, node))
    except Unspeakable:
        with pytest.raises(Unspeakable):
            encode(stored)
    else:
        assert encode(stored) == expected
