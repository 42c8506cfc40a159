"""OData: what is served is right, what is not is said."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.web.odata import TOP_MAX, NotServed, Query, Wrong, apply, parse

PROPERTIES = {"id": str, "name": str, "result": float, "phenomenonTime": datetime}


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


ALL: list[dict[str, Any]] = [
    {"id": str(i), "name": f"Bekk {i}", "result": None if i == 3 else float(i * 10), "phenomenonTime": at(i)}
    for i in range(6)
]


def ids(**options: str) -> str:
    query = parse([(f"${name}", value) for name, value in options.items()], PROPERTIES)
    return "".join(entity["id"] for entity in apply(ALL, query)[0])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("result gt 20", "45"),
        ("result ge 20 and result lt 50", "24"),
        ("result lt 10 or result eq 50", "05"),
        ("not (result lt 10 or result eq 50)", "1234"),
        ("not result gt 10", "013"),
        ("result eq null", "3"),
        ("result ne null", "01245"),
        ("20 lt result", "45"),
        ("name eq 'Bekk 2'", "2"),
        ("id eq '4' or @iot.id eq '5'", "45"),
        ("phenomenonTime ge 2026-03-01T04:00:00Z", "45"),
        ("phenomenonTime lt 2026-03-01T03:00:00+02:00", "0"),
        ("name ne 'it''s' and (result le 1e1)", "01"),
        ("result gt -5", "01245"),
    ],
)
def test_filters(text: str, found: str) -> None:
    assert ids(filter=text) == found


def test_paging_order_and_count() -> None:
    assert ids(top="2", skip="1") == "12"
    assert ids(orderby="result desc") == "542103"
    assert ids(orderby="name asc,id desc") == "012345"
    assert ids(top="0") == ""
    query = parse([("$count", "true"), ("$filter", "result gt 10"), ("$top", "1")], PROPERTIES)
    found, count = apply(ALL, query)
    assert (len(found), count, query.count) == (1, 3, True)
    assert parse([("$top", "999999")], PROPERTIES).top == TOP_MAX
    assert parse([("lang", "nb")], PROPERTIES) == Query()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("phenomenonTime ge 2026-03-01T04:00:00Z and result gt 3", at(4), None),
        ("2026-03-01T05:00:00Z gt phenomenonTime and phenomenonTime gt 2026-03-01T01:00:00Z", at(1), at(5)),
        ("phenomenonTime eq 2026-03-01T05:00:00Z", at(5), at(5)),
        ("phenomenonTime ge 2026-03-01T04:00:00Z or result gt 3", None, None),
        ("not phenomenonTime ge 2026-03-01T04:00:00Z", None, None),
    ],
)
def test_bounds_hold_only_where_the_whole_filter_needs_them(
    text: str, low: datetime | None, high: datetime | None
) -> None:
    bounds = parse([("$filter", text)], PROPERTIES).bounds
    assert bounds[0] == (low.timestamp() if low else float("-inf"))
    assert bounds[1] == (high.timestamp() if high else float("inf"))


@pytest.mark.parametrize(
    "options",
    [
        [("$expand", "Datastreams")],
        [("$select", "name")],
        [("$filter", "contains(name,'x')")],
        [("$filter", "result add 1 gt 3")],
        [("$filter", "Datastream/id eq 'x'")],
        [("$filter", "result eq result")],
    ],
)
def test_what_is_not_served(options: list[tuple[str, str]]) -> None:
    with pytest.raises(NotServed):
        parse(options, PROPERTIES)


@pytest.mark.parametrize(
    "options",
    [
        [("$top", "-1")],
        [("$top", "x")],
        [("$skip", "1.5")],
        [("$count", "yes")],
        [("$frobnicate", "1")],
        [("$top", "1"), ("$top", "2")],
        [("$orderby", "result upwards")],
        [("$orderby", "colour")],
        [("$filter", "")],
        [("$filter", "result")],
        [("$filter", "result gt")],
        [("$filter", "(result gt 3")],
        [("$filter", "result gt 3)")],
        [("$filter", "result gt 'a'")],
        [("$filter", "name eq 3")],
        [("$filter", "colour eq 3")],
        [("$filter", "phenomenonTime gt 2026-99-99T00:00:00Z")],
        [("$filter", "§")],
        [("$filter", "(" * 30 + "result gt 3" + ")" * 30)],
        [("$filter", "result eq ,")],
    ],
)
def test_what_is_wrong(options: list[tuple[str, str]]) -> None:
    with pytest.raises(Wrong):
        parse(options, PROPERTIES)


WORDS = [
    "result",
    "name",
    "phenomenonTime",
    "eq",
    "gt",
    "and",
    "or",
    "not",
    "(",
    ")",
    "3",
    "'x'",
    "null",
    ",",
    "2026-03-01T04:00:00Z",
]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
def test_whatever_is_asked_is_answered_or_refused(text: str) -> None:
    try:
        query = parse([("$filter", text)], PROPERTIES)
    except (Wrong, NotServed):
        return
    found, count = apply(ALL, query)
    assert len(found) == count
    # What lies outside the bounds is never among what fits.
    low, high = query.bounds
    assert all(low <= entity["phenomenonTime"].timestamp() <= high for entity in found)


SIMPLE = st.tuples(st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), st.integers(-10, 60))


@settings(max_examples=100, deadline=None)
@given(SIMPLE, SIMPLE, st.sampled_from(["and", "or"]))
def test_and_and_or_are_those_of_logic(a: tuple[str, int], b: tuple[str, int], how: str) -> None:
    first, second = (set(ids(filter=f"result {op} {n}")) for op, n in (a, b))
    both = set(ids(filter=f"result {a[0]} {a[1]} {how} result {b[0]} {b[1]}"))
    assert both == (first & second if how == "and" else first | second)
